import { createProvider } from '../../calls/driver-provider.js';
import type { CompleteDriver } from '../../driver/driver.js';
import type {
  Call,
  DataKeyOutput,
  DataKeyRequest,
  DecryptOutput,
  DecryptRequest,
} from '../../driver/requests.js';
import { copyBytes } from '../../provider/bytes.js';
import { isAsymmetricAlgorithm } from '../../provider/key-spec.js';
import type { KeyWrapProvider } from '../../provider/provider.js';
import { driverOf } from '../adapt-provider.js';
import { cacheKey } from './cache-key.js';
import {
  type CacheSettings,
  type DataKeyCacheLimits,
  type DataKeyCacheOptions,
  readCacheSettings,
} from './limits.js';
import { SecretCache } from './secret-cache.js';

/**
 * Wraps a provider in a cache, for a service that encrypts so often that a call to the backend for each data
 * key is too slow or too expensive. This trades security for speed: one data key protects many records, and a
 * disabled key still works for a while. Measure before you use it
 * ([data key caching](https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/data-key-caching.html)).
 *
 * - `generateDataKey` with `bytesToEncrypt` returns the same data key for the same key id, length and
 *   encryption context, within the limits. Without `bytesToEncrypt`, or with more than `maximumBytes`, the call
 *   goes to the provider, and its data key is not shared.
 * - `decrypt` returns the same plaintext for the same ciphertext, key id and encryption context.
 * - Every caller gets its own copy to dispose of. The cache wipes its copy when it is used up, too old or evicted,
 *   or when the provider is closed.
 * - Concurrent callers of the same key wait for one call to the provider. It is aborted when all of them are.
 *   Errors are not cached.
 *
 * Everything else goes to the provider unchanged. Calls with different grant tokens do not share.
 *
 * @param provider Closed with the provider that is returned.
 * @throws {@link InvalidInputError} when a limit is missing or out of its range.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { withDataKeyCache } from '@keywrap/core/data-key-cache';
 *
 * async function encryptRecords(provider: KeyWrapProvider, records: Uint8Array[]): Promise<void> {
 *   await using keys = withDataKeyCache(provider, {
 *     maximumUses: 1000,
 *     maximumBytes: 1024 ** 3,
 *     maximumAge: 5 * 60 * 1000,
 *   });
 *   for (const record of records) {
 *     using dataKey = await keys.generateDataKey(
 *       { keyId: 'alias/records', keySpec: 'AES_256', encryptionContext: { table: 'records' } },
 *       { bytesToEncrypt: record.length },
 *     );
 *     store(encrypt(record, dataKey.plaintext), dataKey.ciphertext);
 *   }
 * }
 * declare function encrypt(record: Uint8Array, key: Uint8Array): Uint8Array;
 * declare function store(encrypted: Uint8Array, wrappedKey: Uint8Array): void;
 * ```
 */
export function withDataKeyCache(
  provider: KeyWrapProvider,
  limits: DataKeyCacheLimits,
  options?: DataKeyCacheOptions,
): KeyWrapProvider {
  return createProvider(cached(driverOf(provider), readCacheSettings(limits, options)));
}

function cached(inner: CompleteDriver, settings: CacheSettings): CompleteDriver {
  const unlimited = { ...settings, maximumUses: Infinity, maximumBytes: Infinity };
  const generated = new SecretCache(settings, copyDataKey);
  const opened = new SecretCache(unlimited, copyDecrypted);
  /** A call for several callers, which continues when they have given up: close waits for it. */
  const shared = async <Output>(call: () => Output): Promise<Awaited<Output>> => {
    inner.lifetime.enter();
    try {
      return await call();
    } finally {
      inner.lifetime.leave();
    }
  };
  // Apart from the hits, which make no closure that they do not need.
  const generateShared = (key: string, bytes: number, request: DataKeyRequest, call: Call) => {
    const ask = (signal: AbortSignal) =>
      shared(() => inner.generateDataKey(request, { ...call, signal }));
    return generated.ask(key, bytes, ask, call.signal);
  };
  const decryptShared = (key: string, request: DecryptRequest, call: Call) => {
    const ask = (signal: AbortSignal) => shared(() => inner.decrypt(request, { ...call, signal }));
    return opened.ask(key, 0, ask, call.signal);
  };
  return {
    ...inner,
    keys: {},
    generateDataKey(request, call) {
      const bytes = call.bytesToEncrypt;
      if (bytes === undefined || bytes > settings.maximumBytes) {
        return inner.generateDataKey(request, call);
      }
      const key = cacheKey(request, call, request.numberOfBytes);
      const found = generated.find(key, bytes);
      settings.onLookup?.({ operation: 'generateDataKey', hit: found !== undefined });
      return found ?? generateShared(key, bytes, request, call);
    },
    decrypt(request, call) {
      if (isAsymmetricAlgorithm(request.algorithm)) return inner.decrypt(request, call);
      const key = cacheKey(request, call, request.ciphertext);
      const found = opened.find(key, 0);
      settings.onLookup?.({ operation: 'decrypt', hit: found !== undefined });
      return found ?? decryptShared(key, request, call);
    },
    close() {
      generated.clear();
      opened.clear();
      return inner.close();
    },
  };
}

function copyDataKey({ plaintext, ciphertext, keyId, keyVersion }: DataKeyOutput): DataKeyOutput {
  return { plaintext: copyBytes(plaintext), ciphertext: copyBytes(ciphertext), keyId, keyVersion };
}

function copyDecrypted({ plaintext, keyId, keyVersion }: DecryptOutput): DecryptOutput {
  return { plaintext: copyBytes(plaintext), keyId, keyVersion };
}
