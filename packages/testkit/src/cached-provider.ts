import type { DataKey, DecryptResult, KeyWrapProvider } from '@keywrap/core';
import type { DataKeyCacheLimits } from '@keywrap/core/data-key-cache';
import type { ConformanceSubject } from './harness.js';
import { intercept } from './intercept.js';

/** A data-key cache, and what goes on behind it. */
export interface CachedProvider {
  readonly provider: KeyWrapProvider;
  /** The plaintexts that the cache got from the provider, in the memory in which it got them. */
  readonly received: readonly Uint8Array[];
  /** Lets time pass for the cache. */
  passTime(milliseconds: number): void;
}

/** Puts a cache in front of a provider, with somebody between them who looks at what it is given. */
export function openCache(
  cache: NonNullable<ConformanceSubject['cache']>,
  provider: KeyWrapProvider,
  limits: DataKeyCacheLimits,
): CachedProvider {
  const received: Uint8Array[] = [];
  let time = 0;
  return {
    provider: cache(watched(provider, received), limits, { now: () => time }),
    received,
    passTime: (milliseconds) => {
      time += milliseconds;
    },
  };
}

/** Both calls that a cache makes give a plaintext. */
function watched(provider: KeyWrapProvider, received: Uint8Array[]): KeyWrapProvider {
  return intercept(provider, async (name, call) => {
    const result = await call();
    if (name === 'generateDataKey' || name === 'decrypt') {
      received.push((result as DataKey | DecryptResult).plaintext);
    }
    return result;
  });
}
