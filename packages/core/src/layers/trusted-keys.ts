import { createProvider } from '../calls/driver-provider.js';
import type { Awaitable } from '../driver/requests.js';
import {
  InvalidInputError,
  KeyWrapError,
  type KeyWrapErrorCode,
  UntrustedKeyError,
} from '../provider/errors.js';
import { type KeyName, parseKeyId } from '../provider/key-id.js';
import type { KeyWrapProvider } from '../provider/provider.js';
import { driverOf } from './adapt-provider.js';
import { guardKeys, type KeyGuard } from './guard-keys.js';

/**
 * Restricts a provider to the keys that you trust, so that an attacker can't make you decrypt under another
 * by naming it, or by sending a ciphertext that names it. A key that is not listed is never used: the call
 * rejects with {@link UntrustedKeyError}.
 *
 * Without a `keyId`, `decrypt` and `reEncrypt` try the listed keys in turn, with a call to the backend for
 * each. With a `keyId` it is one call.
 *
 * @param provider Closed with the provider that is returned.
 * @param keyIds The keys to trust. Key ARNs are used unchanged; other forms are resolved once, now, with
 * `describeKey`: an alias that is moved later still means the same key. A call may name a listed key by its
 * ARN, its id, or as it was listed.
 * @throws {@link InvalidInputError} when the list is empty or an entry is malformed, and what
 * `describeKey` throws.
 *
 * @example
 * ```ts
 * import { type KeyWrapProvider, withTrustedKeys } from '@keywrap/core';
 *
 * async function guard(provider: KeyWrapProvider): Promise<KeyWrapProvider> {
 *   return withTrustedKeys(provider, ['alias/orders', 'alias/invoices']);
 * }
 * ```
 */
export async function withTrustedKeys(
  provider: KeyWrapProvider,
  keyIds: readonly string[],
): Promise<KeyWrapProvider> {
  const driver = driverOf(provider);
  if (!Array.isArray(keyIds) || keyIds.length === 0) {
    throw new InvalidInputError('keyIds', 'must name at least one key to trust');
  }
  // A copy, holes included, because the list may change while aliases are resolved.
  const listed = [...keyIds].map((keyId, index) => parseKeyId(keyId, `keyIds[${index}]`));
  const trusted = new TrustedKeys();
  for (const key of listed) {
    const isArn = key.kind === 'key-arn';
    trusted.add(key, isArn ? key.text : (await provider.describeKey({ keyId: key.text })).keyId);
  }
  return createProvider(guardKeys(driver, trusted));
}

/** The listed keys, and the names that a call may use for each. */
class TrustedKeys implements KeyGuard {
  readonly #arns = new Map<string, KeyName>();
  readonly #listed = new Map<string, KeyName>();
  readonly #ids = new Map<string, KeyName | undefined>();

  add(name: KeyName, arn: string): void {
    const key = this.#arns.get(arn) ?? parseKeyId(arn);
    this.#listed.set(name.text, key);
    if (this.#arns.has(arn)) return;
    this.#arns.set(arn, key);
    if (key.kind !== 'key-arn') return;
    // Replicas of a multi-Region key share an id, so the id can't name one of them.
    this.#ids.set(key.id, this.#ids.has(key.id) ? undefined : key);
  }

  /** Returns the key by its ARN. @throws {@link UntrustedKeyError} */
  resolve(name: KeyName): KeyName {
    const { text } = name;
    const byId = name.kind === 'key-id' ? this.#ids.get(name.id) : undefined;
    const key = this.#arns.get(text) ?? this.#listed.get(text) ?? byId;
    if (key !== undefined) return key;
    throw new UntrustedKeyError(
      'the key is not on the list of trusted keys; list it, or name a listed one by its ARN',
      { keyId: text },
    );
  }

  /**
   * Tries the trusted keys in turn. Letting the backend find the key and checking its response would
   * be one call, but by then it would have decrypted under whatever key the ciphertext named.
   */
  async search<Output>(
    attempt: (key: KeyName) => Awaitable<Output>,
    destination: KeyName | undefined,
  ): Promise<Output> {
    let firstError: KeyWrapError | undefined;
    for (const [arn, key] of this.#arns) {
      try {
        return await attempt(key);
      } catch (error) {
        if (!(error instanceof KeyWrapError) || !ANOTHER_KEY_MAY_DO.has(error.code)) throw error;
        // A reEncrypt may also fail for its destination, which says nothing about the key being tried.
        const { keyId = destination?.text ?? arn } = error;
        const isAboutAnother = error.code === 'KEY_USAGE' && keyId !== arn;
        if (!WRONG_KEY.has(error.code) || isAboutAnother) firstError ??= error;
      }
    }
    throw firstError ?? new UntrustedKeyError('none of the trusted keys made this ciphertext');
  }
}

const WRONG_KEY: ReadonlySet<KeyWrapErrorCode> = new Set(['INCORRECT_KEY', 'KEY_USAGE']);

const ANOTHER_KEY_MAY_DO: ReadonlySet<KeyWrapErrorCode> = new Set([
  ...WRONG_KEY,
  'INVALID_CIPHERTEXT',
  'KEY_NOT_FOUND',
  'KEY_DISABLED',
  'KEY_STATE',
  'ACCESS_DENIED',
]);
