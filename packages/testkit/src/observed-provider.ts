import type {
  CallOptions,
  DataKey,
  DataKeyPair,
  DecryptAsymmetricInput,
  DecryptInput,
  DecryptResult,
  EncryptInput,
  EncryptResult,
  GenerateDataKeyInput,
  GenerateDataKeyPairInput,
  KeyDescription,
  KeyInput,
  KeyWrapProvider,
  ProviderCapabilities,
  PublicKeyResult,
  ReEncryptInput,
  ReEncryptResult,
  WrappedDataKey,
  WrappedDataKeyPair,
} from '@keywrap/core';
import { describeError, Mismatch } from './expect.js';
import { bytesIn, describeOutcome, type Journal } from './journal.js';

/**
 * The provider under test with somebody looking over its shoulder: every call is written down, and
 * every error of every case is searched for the secrets of that case.
 */
export class ObservedProvider implements KeyWrapProvider {
  readonly #provider: KeyWrapProvider;
  readonly #journal: Journal;

  constructor(provider: KeyWrapProvider, journal: Journal) {
    this.#provider = provider;
    this.#journal = journal;
  }

  get id(): string {
    return this.#provider.id;
  }

  get capabilities(): ProviderCapabilities {
    return this.#provider.capabilities;
  }

  encrypt(input: EncryptInput, options?: CallOptions): Promise<EncryptResult> {
    return this.#watch('encrypt', input, () => this.#provider.encrypt(input, options));
  }

  decrypt(input: DecryptInput, options?: CallOptions): Promise<DecryptResult> {
    return this.#watch('decrypt', input, () => this.#provider.decrypt(input, options));
  }

  decryptAsymmetric(input: DecryptAsymmetricInput, options?: CallOptions): Promise<DecryptResult> {
    return this.#watch('decryptAsymmetric', input, () =>
      this.#provider.decryptAsymmetric(input, options),
    );
  }

  reEncrypt(input: ReEncryptInput, options?: CallOptions): Promise<ReEncryptResult> {
    return this.#watch('reEncrypt', input, () => this.#provider.reEncrypt(input, options));
  }

  generateDataKey(input: GenerateDataKeyInput, options?: CallOptions): Promise<DataKey> {
    return this.#watch('generateDataKey', input, () =>
      this.#provider.generateDataKey(input, options),
    );
  }

  generateDataKeyWithoutPlaintext(
    input: GenerateDataKeyInput,
    options?: CallOptions,
  ): Promise<WrappedDataKey> {
    return this.#watch('generateDataKeyWithoutPlaintext', input, () =>
      this.#provider.generateDataKeyWithoutPlaintext(input, options),
    );
  }

  generateDataKeyPair(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<DataKeyPair> {
    return this.#watch('generateDataKeyPair', input, () =>
      this.#provider.generateDataKeyPair(input, options),
    );
  }

  generateDataKeyPairWithoutPlaintext(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<WrappedDataKeyPair> {
    return this.#watch('generateDataKeyPairWithoutPlaintext', input, () =>
      this.#provider.generateDataKeyPairWithoutPlaintext(input, options),
    );
  }

  getPublicKey(input: KeyInput, options?: CallOptions): Promise<PublicKeyResult> {
    return this.#watch('getPublicKey', input, () => this.#provider.getPublicKey(input, options));
  }

  describeKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.#watch('describeKey', input, () => this.#provider.describeKey(input, options));
  }

  close(): Promise<void> {
    return this.#watch('close', undefined, () => this.#provider.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#watch('[Symbol.asyncDispose]', undefined, async () =>
      this.#provider[Symbol.asyncDispose](),
    );
  }

  #watch<T>(operation: string, input: unknown, call: () => Promise<T>): Promise<T> {
    const finish = this.#journal.begin(operation, input);
    const bytes = bytesIn(input);
    let promise: Promise<T>;
    try {
      promise = call();
    } catch (error) {
      finish(`threw ${describeError(error)}`);
      throw new Mismatch(
        'a promise, which rejects when something is wrong',
        'an error thrown at once',
      );
    }
    if (typeof promise?.then !== 'function') {
      throw new Mismatch('a promise', describeOutcome(promise));
    }
    const watched = promise.then(
      (result) => {
        finish(describeOutcome(result));
        this.#keepSecrets(result);
        return result;
      },
      (error: unknown) => {
        this.#journal.expectNoLeak(error, bytes);
        finish(describeError(error));
        throw error;
      },
    );
    // A case that failed already does not wait for its other calls; their rejections are no crash.
    watched.catch(() => {});
    return watched;
  }

  #keepSecrets(result: unknown): void {
    const { plaintext, privateKey } = (result ?? {}) as Record<string, unknown>;
    for (const secret of [plaintext, privateKey]) {
      if (secret instanceof Uint8Array) this.#journal.keepSecret(secret);
    }
  }
}
