import { ForwardingProvider } from '../legacy/forwarding-provider.js';
import { INPUT_FIELDS, TARGET_FIELDS } from '../legacy/read-input.js';
import { readCallOptions } from '../legacy/read-options.js';
import { assertProvider } from '../provider/assert-provider.js';
import { type EncryptionContext, readEncryptionContext } from '../provider/encryption-context.js';
import {
  AbortError,
  InvalidInputError,
  KeyWrapError,
  type KeyWrapErrorCode,
  ProviderClosedError,
  UntrustedKeyError,
  withCallDetails,
} from '../provider/errors.js';
import { parseKeyId } from '../provider/key-id.js';
import { type EncryptionAlgorithm, isAsymmetricAlgorithm, LIMITS } from '../provider/key-spec.js';
import { ownFields } from '../provider/own-fields.js';
import type {
  CallOptions,
  DecryptAsymmetricInput,
  DecryptInput,
  EncryptInput,
  EncryptResult,
  GenerateDataKeyInput,
  GenerateDataKeyPairInput,
  KeyDescription,
  KeyInput,
  KeyWrapProvider,
  PublicKeyResult,
  ReEncryptInput,
  ReEncryptResult,
  WrappedDataKey,
  WrappedDataKeyPair,
} from '../provider/provider.js';
import { copyFields, readBytes, readSafely } from '../provider/read-fields.js';
import type { DataKey, DataKeyPair, DecryptResult } from '../provider/secrets.js';

/**
 * Keeps a provider to the keys that you trust, so that nobody can make you decrypt under another: not
 * by naming it, and not by sending a ciphertext that names it. A key that is not listed is never used;
 * the call rejects with {@link UntrustedKeyError}.
 *
 * Without a `keyId`, `decrypt` and `reEncrypt` try the listed keys one after the other: as many calls
 * to the backend as there are keys. Name the key and it is one.
 *
 * @param provider Closed with the provider that is returned.
 * @param keyIds The keys to trust. Key ARNs are taken as they are; other forms are resolved now, once,
 * with `describeKey`: an alias that is moved later still stands for the key that it stood for. A call
 * may name a listed key by its ARN, its id, or as it was listed.
 * @throws {@link InvalidInputError} when the list is empty or an entry is malformed, and whatever
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
  assertProvider(provider, 'provider');
  if (!Array.isArray(keyIds) || keyIds.length === 0) {
    throw new InvalidInputError('keyIds', 'must name at least one key to trust');
  }
  // A copy, also of holes, because the list may change while aliases are resolved.
  const listed = [...keyIds].map((keyId, index) => ({
    keyId,
    kind: parseKeyId(keyId, `keyIds[${index}]`).kind,
  }));
  const trusted = new TrustedKeys();
  for (const { keyId, kind } of listed) {
    trusted.add(keyId, kind === 'key-arn' ? keyId : (await provider.describeKey({ keyId })).keyId);
  }
  return new TrustedKeysProvider(provider, trusted);
}

/** The listed keys, and the names under which a call may ask for each. */
class TrustedKeys {
  readonly #arns = new Set<string>();
  readonly #listed = new Map<string, string>();
  readonly #ids = new Map<string, string | undefined>();

  add(name: string, arn: string): void {
    this.#listed.set(name, arn);
    if (this.#arns.has(arn)) return;
    this.#arns.add(arn);
    const id = arn.slice(arn.indexOf(':key/') + ':key/'.length);
    // Replicas of a multi-Region key share their id, which then names none of them.
    this.#ids.set(id, this.#ids.has(id) ? undefined : arn);
  }

  get arns(): readonly string[] {
    return [...this.#arns];
  }

  /** The ARN to use for what a call named. */
  resolve(keyId: string | undefined, field: string): string {
    parseKeyId(keyId, field);
    const name = keyId as string;
    const arn = this.#arns.has(name) ? name : (this.#listed.get(name) ?? this.#ids.get(name));
    if (arn !== undefined) return arn;
    throw new UntrustedKeyError(
      'the key is not on the list of trusted keys; list it, or name a listed one by its ARN',
      { keyId: name },
    );
  }
}

class TrustedKeysProvider extends ForwardingProvider {
  readonly #trusted: TrustedKeys;
  #isClosed = false;

  constructor(inner: KeyWrapProvider, trusted: TrustedKeys) {
    super(inner);
    this.#trusted = trusted;
  }

  override encrypt(input: EncryptInput, options?: CallOptions): Promise<EncryptResult> {
    return this.#keyed('encrypt', input, options, (pinned) => this.inner.encrypt(pinned, options));
  }

  override async decrypt(input: DecryptInput, options?: CallOptions): Promise<DecryptResult> {
    const { pinned, unnamed } = this.#read('decrypt', options, () => {
      const copy = copyFields(input, 'input', INPUT_FIELDS.decrypt);
      return this.#mustSearch(copy)
        ? {
            pinned: undefined,
            unnamed: { ...keepContext(copy, ''), ciphertext: readCiphertext(copy) },
          }
        : { pinned: this.#pin(copy, ''), unnamed: undefined };
    });
    if (pinned !== undefined) return this.inner.decrypt(pinned, options);
    return this.#search('decrypt', (keyId) => this.inner.decrypt({ ...unnamed, keyId }, options));
  }

  override decryptAsymmetric(
    input: DecryptAsymmetricInput,
    options?: CallOptions,
  ): Promise<DecryptResult> {
    return this.#keyed('decryptAsymmetric', input, options, (pinned) =>
      this.inner.decryptAsymmetric(pinned, options),
    );
  }

  override async reEncrypt(input: ReEncryptInput, options?: CallOptions): Promise<ReEncryptResult> {
    const { pinned, unnamed } = this.#read('reEncrypt', options, () => {
      const copy = copyFields(input, 'input', INPUT_FIELDS.reEncrypt);
      const source = copyFields(copy.source ?? {}, 'source', TARGET_FIELDS);
      const named = copyFields(copy.destination, 'destination', TARGET_FIELDS);
      const destination = this.#pin(named, 'destination.');
      if (!this.#mustSearch(source)) {
        const pinned = { ...copy, source: this.#pin(source, 'source.'), destination };
        return { pinned, unnamed: undefined };
      }
      return {
        pinned: undefined,
        unnamed: {
          ciphertext: readCiphertext(copy),
          source: keepContext(source, 'source.'),
          destination: keepContext(destination, 'destination.'),
        },
      };
    });
    if (pinned !== undefined) return this.inner.reEncrypt(pinned, options);
    return this.#search('reEncrypt', (keyId) =>
      this.inner.reEncrypt({ ...unnamed, source: { ...unnamed.source, keyId } }, options),
    );
  }

  override generateDataKey(input: GenerateDataKeyInput, options?: CallOptions): Promise<DataKey> {
    return this.#keyed('generateDataKey', input, options, (pinned) =>
      this.inner.generateDataKey(pinned, options),
    );
  }

  override generateDataKeyWithoutPlaintext(
    input: GenerateDataKeyInput,
    options?: CallOptions,
  ): Promise<WrappedDataKey> {
    return this.#keyed('generateDataKeyWithoutPlaintext', input, options, (pinned) =>
      this.inner.generateDataKeyWithoutPlaintext(pinned, options),
    );
  }

  override generateDataKeyPair(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<DataKeyPair> {
    return this.#keyed('generateDataKeyPair', input, options, (pinned) =>
      this.inner.generateDataKeyPair(pinned, options),
    );
  }

  override generateDataKeyPairWithoutPlaintext(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<WrappedDataKeyPair> {
    return this.#keyed('generateDataKeyPairWithoutPlaintext', input, options, (pinned) =>
      this.inner.generateDataKeyPairWithoutPlaintext(pinned, options),
    );
  }

  override getPublicKey(input: KeyInput, options?: CallOptions): Promise<PublicKeyResult> {
    return this.#keyed('getPublicKey', input, options, (pinned) =>
      this.inner.getPublicKey(pinned, options),
    );
  }

  override describeKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.#keyed('describeKey', input, options, (pinned) =>
      this.inner.describeKey(pinned, options),
    );
  }

  override close(): Promise<void> {
    this.#isClosed = true;
    return super.close();
  }

  /** What makes a call fail whatever it asks for is told before what is wrong with its key. */
  #read<T>(operation: string, options: CallOptions | undefined, read: () => T): T {
    return readSafely(operation, 'input', () => {
      if (this.#isClosed) throw new ProviderClosedError('this provider was closed');
      const { signal } = readCallOptions(options);
      if (signal?.aborted) throw new AbortError('the call was aborted', { cause: signal.reason });
      return read();
    });
  }

  /** Calls with the ARN of the trusted key in place of its name. */
  async #keyed<Input extends KeyInput, Result>(
    operation: keyof typeof INPUT_FIELDS,
    input: Input,
    options: CallOptions | undefined,
    call: (pinned: Input) => Promise<Result>,
  ): Promise<Result> {
    const pinned = this.#read(operation, options, () =>
      this.#pin(copyFields(input, 'input', INPUT_FIELDS[operation]), ''),
    );
    return call(pinned);
  }

  /** @param copy What the caller passed, read once: what is checked here is what is used. */
  #pin<Input extends Source>(copy: Input, path: string): Input & KeyInput {
    return ownFields({ ...copy, keyId: this.#trusted.resolve(copy.keyId, `${path}keyId`) });
  }

  /** Whether only the ciphertext says which key is meant, and the provider could tell. */
  #mustSearch({ keyId, algorithm }: Source): boolean {
    const isAsymmetric = algorithm !== undefined && isAsymmetricAlgorithm(algorithm);
    return keyId === undefined && !isAsymmetric && this.capabilities.keyIdFromCiphertext;
  }

  /**
   * Tries the trusted keys in turn. Asking the backend to find the key and looking at its answer would
   * be one call, but by then it would have decrypted under whatever key the ciphertext named.
   */
  async #search<Result>(
    operation: string,
    attempt: (keyId: string) => Promise<Result>,
  ): Promise<Result> {
    let refusal: KeyWrapError | undefined;
    for (const arn of this.#trusted.arns) {
      try {
        return await attempt(arn);
      } catch (error) {
        if (!(error instanceof KeyWrapError) || !ANOTHER_KEY_MAY_DO.has(error.code)) throw error;
        // A reEncrypt may also fail for its destination, and that is no word about the key that is tried.
        const isAboutAnother = error.code === 'KEY_USAGE' && error.keyId !== arn;
        if (!WRONG_KEY.has(error.code) || isAboutAnother) refusal ??= error;
      }
    }
    throw (
      refusal ??
      withCallDetails(
        new UntrustedKeyError('none of the trusted keys made this ciphertext'),
        operation,
      )
    );
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

/** What may name a key. */
interface Source {
  readonly keyId?: string | undefined;
  readonly algorithm?: EncryptionAlgorithm | undefined;
}

// The caller may change what it passed as soon as it has the promise, and several calls are to come.

function readCiphertext({ ciphertext }: { readonly ciphertext: Uint8Array }): Uint8Array {
  return readBytes(ciphertext, 'ciphertext', LIMITS.ciphertext);
}

function keepContext<Side extends { readonly encryptionContext?: EncryptionContext | undefined }>(
  side: Side,
  path: string,
): Side {
  const { encryptionContext } = side;
  if (encryptionContext === undefined) return side;
  const kept = readEncryptionContext(encryptionContext, `${path}encryptionContext`);
  return { ...side, encryptionContext: kept };
}
