import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { timeAlternately } from '../alternate.js';
import type { Benchmark } from '../benchmark.js';

const KEY_ID = 'alias/orders';
const LIMITS = { maximumUses: 2 ** 32, maximumBytes: Number.MAX_SAFE_INTEGER, maximumAge: 2 ** 30 };

export const dataKeyCacheBenchmarks: readonly Benchmark[] = [
  {
    name: 'datakey-cache-hit',
    unit: 'µs',
    ours: 'a hit in the data-key cache: `generateDataKey`, one context pair',
    reference: 'a bare `Map` lookup and a copy of 32 bytes',
    target: { ratio: 4 },
    async measure() {
      const keys = withDataKeyCache(new LocalKeyWrapProvider({ keys: [KEY_ID] }), LIMITS);
      const input = {
        keyId: KEY_ID,
        keySpec: 'AES_256',
        encryptionContext: { order: '2026-000123' },
      } as const;
      const options = { bytesToEncrypt: 32 };
      // A map that tells keys and contexts apart has both in its key.
      const mapKey = ({ keyId, encryptionContext }: typeof input) =>
        `${keyId}\n${encryptionContext.order}`;
      const map = new Map([[mapKey(input), crypto.getRandomValues(new Uint8Array(32))]]);
      return timeAlternately({
        ours: () => keys.generateDataKey(input, options),
        reference: () => map.get(mapKey(input))?.slice(),
        batch: 2000,
        unit: 'µs',
      });
    },
  },
];
