import type { DataKeyCacheLimits } from '@keywrap/core/data-key-cache';

/** The largest limits of a data-key cache: every measured call is a hit. */
export const NEVER_FULL: DataKeyCacheLimits = {
  maximumUses: 2 ** 32,
  maximumBytes: Number.MAX_SAFE_INTEGER,
  maximumAge: 2 ** 30,
};
