import { DataKey } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { LRUCache } from 'lru-cache';
import { timeAlternately } from '../alternate.js';
import type { Benchmark, Rounds } from '../benchmark.js';

const KEY_ID = 'alias/orders';
const LIMITS = { maximumUses: 2 ** 32, maximumBytes: Number.MAX_SAFE_INTEGER, maximumAge: 2 ** 30 };

const INPUT = {
  keyId: KEY_ID,
  keySpec: 'AES_256',
  encryptionContext: { order: '2026-000123' },
} as const;

/** A map that tells keys and contexts apart has both in its key. */
const mapKey = ({ keyId, encryptionContext }: typeof INPUT) =>
  `${keyId}\n${encryptionContext.order}`;

/** @param ours In place of the hit in the data-key cache. */
export function measureHit(ours: () => unknown): Promise<Rounds> {
  const map = new Map([[mapKey(INPUT), crypto.getRandomValues(new Uint8Array(32))]]);
  const reference = () => map.get(mapKey(INPUT))?.slice();
  return timeAlternately({ ours, reference, batch: 2000, unit: 'µs' });
}

/** What a hit can't leave out: its promise, the lookup with the entry's age, a copy of both, the result. */
export function leastHit(): () => Promise<DataKey | undefined> {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const fields = { plaintext: random(32), ciphertext: random(107), keyId: KEY_ID };
  const cache = new LRUCache<string, DataKey>({ max: 1000, ttl: 2 ** 30, ttlResolution: 0 });
  cache.set(mapKey(INPUT), new DataKey(fields));
  return async () => cache.get(mapKey(INPUT))?.copy();
}

export const dataKeyCacheBenchmarks: readonly Benchmark[] = [
  {
    name: 'datakey-cache-hit',
    unit: 'µs',
    ours: 'a hit in the data-key cache: `generateDataKey`, one context pair',
    reference: 'a bare `Map` lookup and a copy of 32 bytes',
    target: { ratio: 4 },
    measure() {
      const keys = withDataKeyCache(new LocalKeyWrapProvider({ keys: [KEY_ID] }), LIMITS);
      const options = { bytesToEncrypt: 32 };
      return measureHit(() => keys.generateDataKey(INPUT, options));
    },
  },
];
