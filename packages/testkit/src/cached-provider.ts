import type { DataKey, DecryptResult, KeyWrapProvider } from '@keywrap/core';
import type { DataKeyCacheLimits } from '@keywrap/core/data-key-cache';
import type { ConformanceSubject } from './harness.js';
import { intercept } from './intercept.js';

/** A data-key cache, and its calls to the provider. */
export interface CachedProvider {
  readonly provider: KeyWrapProvider;
  /** The plaintexts that the cache received from the provider, in their original memory. */
  readonly received: readonly Uint8Array[];
  /** Advances the clock of the cache. */
  passTime(milliseconds: number): void;
}

/** Wraps a provider in a cache, and observes the calls between them. */
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

/** Both calls that a cache makes return a plaintext. */
function watched(provider: KeyWrapProvider, received: Uint8Array[]): KeyWrapProvider {
  return intercept(provider, async (name, call) => {
    const result = await call();
    if (name === 'generateDataKey' || name === 'decrypt') {
      received.push((result as DataKey | DecryptResult).plaintext);
    }
    return result;
  });
}
