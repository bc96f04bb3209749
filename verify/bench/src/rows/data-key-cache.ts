import { copyBytes, DataKey } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { LRUCache } from 'lru-cache';
import { timeAlternately } from '../alternate.js';
import type { Benchmark } from '../benchmark.js';
import { NEVER_FULL } from '../cache-limits.js';

const KEY_ID = 'alias/orders';

const INPUT = {
  keyId: KEY_ID,
  keySpec: 'AES_256',
  encryptionContext: { order: '2026-000123' },
} as const;

/** A map that tells keys and contexts apart has both in its key. */
const mapKey = ({ keyId, encryptionContext }: typeof INPUT) =>
  `${keyId}\n${encryptionContext.order}`;

/** The minimum work of a hit: its promise, the lookup with the entry's age, a copy of both, the result. */
function leastHit(): () => Promise<DataKey> {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const cache = new LRUCache<string, { plaintext: Uint8Array; ciphertext: Uint8Array }>({
    max: 1000,
    ttl: 2 ** 30,
    ttlResolution: 0,
  });
  cache.set(mapKey(INPUT), { plaintext: random(32), ciphertext: random(107) });
  return async () => {
    const entry = cache.get(mapKey(INPUT));
    if (entry === undefined) throw new Error('it is there');
    const { plaintext, ciphertext } = entry;
    return new DataKey({
      plaintext: copyBytes(plaintext),
      ciphertext: copyBytes(ciphertext),
      keyId: KEY_ID,
    });
  };
}

export const dataKeyCacheBenchmarks: readonly Benchmark[] = [
  {
    name: 'datakey-cache-hit',
    unit: 'µs',
    ours: 'a hit in the data-key cache: `generateDataKey`, one context pair',
    reference:
      'its floor: a promise, the lookup in the LRU cache, copies of both halves, the result',
    target: { ratio: 1.3 },
    measure() {
      const keys = withDataKeyCache(new LocalKeyWrapProvider({ keys: [KEY_ID] }), NEVER_FULL);
      const options = { bytesToEncrypt: 32 };
      return timeAlternately({
        ours: () => keys.generateDataKey(INPUT, options),
        reference: leastHit(),
        batch: 2000,
        unit: 'µs',
      });
    },
  },
];
