import { ForwardingProvider } from '../../legacy/forwarding-provider.js';
import { readDecryptInput, readGenerateDataKeyInput } from '../../legacy/read-input.js';
import { readAllCallOptions } from '../../legacy/read-options.js';
import {
  AbortError,
  type KeyWrapError,
  ProviderClosedError,
  withCallDetails,
} from '../../provider/errors.js';
import type {
  CallOptions,
  DecryptInput,
  GenerateDataKeyInput,
  KeyWrapProvider,
} from '../../provider/provider.js';
import { readSafely } from '../../provider/read-fields.js';
import type { DataKey, DecryptResult } from '../../provider/secrets.js';
import { cacheKey } from './cache-key.js';
import {
  type CacheSettings,
  type DataKeyCacheLimits,
  type DataKeyCacheOptions,
  readCacheSettings,
} from './limits.js';
import { SecretCache, type Wanted } from './secret-cache.js';
import type { CacheableSecret } from './shared-secret.js';

/**
 * Puts a cache in front of a provider, for a service that encrypts so often that a call to the backend
 * for each data key is too slow or too dear. It trades security for that, because one data key then
 * protects many things and a key that was disabled works on for a while: measure before you use it
 * ([data key caching](https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/data-key-caching.html)).
 *
 * - `generateDataKey` with `bytesToEncrypt` gives the same data key again for the same key id, length and
 *   encryption context, within the limits. Without it, or with more than `maximumBytes`, nobody could
 *   count: the call goes to the provider, and its data key is not shared.
 * - `decrypt` gives the same plaintext again for the same ciphertext, key id and encryption context.
 * - Every caller gets a copy to dispose of. The cache's own is wiped when it leaves: it is used up, too
 *   old, pushed out, or the provider is closed.
 * - Callers that need the same key at the same time wait for one call to the provider. It is aborted
 *   when all of them are. Errors are not cached.
 *
 * Everything else goes to the provider as it is. What grant tokens a call has is part of the question.
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
  return new CachingProvider(provider, readCacheSettings(limits, options));
}

class CachingProvider extends ForwardingProvider {
  readonly #maximumBytes: number;
  readonly #generated: SecretCache<DataKey>;
  readonly #opened: SecretCache<DecryptResult>;
  #isClosed = false;

  constructor(inner: KeyWrapProvider, settings: CacheSettings) {
    super(inner);
    this.#maximumBytes = settings.maximumBytes;
    this.#generated = new SecretCache(settings, settings);
    this.#opened = new SecretCache({ maximumUses: Infinity, maximumBytes: Infinity }, settings);
  }

  override async generateDataKey(
    input: GenerateDataKeyInput,
    options?: CallOptions,
  ): Promise<DataKey> {
    const call = this.#begin('generateDataKey', options);
    const request = readSafely('generateDataKey', 'input', () =>
      readGenerateDataKeyInput(input, this.capabilities),
    );
    const { bytesToEncrypt: bytes } = call;
    if (bytes === undefined || bytes > this.#maximumBytes) {
      return this.inner.generateDataKey(request, call);
    }
    const key = cacheKey(request, call.grantTokens, request.numberOfBytes);
    const hit = this.#generated.find(key, bytes);
    if (hit !== undefined) return hit;
    return this.#ask(this.#generated, 'generateDataKey', request, call, {
      key,
      bytes,
      ask: (signal) => this.inner.generateDataKey(request, { ...call, signal }),
    });
  }

  override async decrypt(input: DecryptInput, options?: CallOptions): Promise<DecryptResult> {
    const call = this.#begin('decrypt', options);
    const request = readSafely('decrypt', 'input', () =>
      readDecryptInput(input, this.capabilities),
    );
    const key = cacheKey(request, call.grantTokens, request.ciphertext);
    const hit = this.#opened.find(key, 0);
    if (hit !== undefined) return hit;
    const { keyId, ciphertext, encryptionContext } = request;
    return this.#ask(this.#opened, 'decrypt', request, call, {
      key,
      bytes: 0,
      ask: (signal) =>
        this.inner.decrypt({ keyId, ciphertext, encryptionContext }, { ...call, signal }),
    });
  }

  /** Wipes every key that is cached, and closes the provider. */
  override close(): Promise<void> {
    this.#isClosed = true;
    this.#generated.clear();
    this.#opened.clear();
    return this.inner.close();
  }

  #begin(operation: string, options: CallOptions | undefined): CallOptions {
    if (this.#isClosed) throw new ProviderClosedError('this provider was closed', { operation });
    const call = readSafely(operation, 'options', () => readAllCallOptions(options));
    if (call.signal?.aborted) throw aborted(operation, undefined, call.signal);
    return call;
  }

  async #ask<Secret extends CacheableSecret<Secret>>(
    cache: SecretCache<Secret>,
    operation: string,
    request: object,
    { signal }: CallOptions,
    wanted: Wanted<Secret>,
  ): Promise<Secret> {
    try {
      return await cache.ask(wanted, signal);
    } catch (error) {
      throw signal?.aborted ? aborted(operation, request, signal) : error;
    }
  }
}

function aborted(
  operation: string,
  request: object | undefined,
  { reason }: AbortSignal,
): KeyWrapError {
  const error = new AbortError('the call was aborted', { cause: reason });
  return withCallDetails(error, operation, request);
}
