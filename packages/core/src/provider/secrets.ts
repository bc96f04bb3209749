/// <reference lib="esnext.disposable" preserve="true" />
import { ownSecret, wipe } from './bytes.js';
import { ProviderClosedError } from './errors.js';
import type { DataKeyPairSpec, EncryptionAlgorithm } from './key-spec.js';

const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Secret bytes in memory of their own. The field is private, so that `console.log`, `util.inspect`
 * and `JSON.stringify` of whatever holds it show nothing.
 */
class SecretBytes {
  readonly #bytes: Uint8Array;
  #disposed = false;

  /** @param bytes Taken over; copied, and wiped where they were, if something else may share their memory. */
  constructor(bytes: Uint8Array) {
    this.#bytes = ownSecret(bytes);
  }

  get bytes(): Uint8Array {
    // Handing out zeros instead would have somebody encrypt under an all-zero key.
    if (this.#disposed) {
      throw new ProviderClosedError(
        'this secret was disposed; ask for it before the end of its scope',
      );
    }
    return this.#bytes;
  }

  dispose(): void {
    this.#disposed = true;
    wipe(this.#bytes);
  }
}

/** What every result that carries a secret has in common: it hides it, and wipes it on request. */
abstract class SecretResult implements Disposable {
  /** What may be shown: everything but the secret. */
  protected abstract get shown(): Record<string, unknown>;

  /** Overwrites the secret; reading it after that throws {@link ProviderClosedError}. */
  abstract [Symbol.dispose](): void;

  toJSON(): Record<string, unknown> {
    return this.shown;
  }

  [inspect](
    _depth: number,
    options: object,
    inspectValue: (value: object, options: object) => string,
  ) {
    return `${this.constructor.name} ${inspectValue(this.shown, options)}`;
  }
}

/**
 * A decrypted plaintext, and the key that opened it. Wipe it when done: `using`, or
 * `result[Symbol.dispose]()`.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 *
 * async function unwrap(keys: KeyWrapProvider, ciphertext: Uint8Array): Promise<void> {
 *   using result = await keys.decrypt({ keyId: 'alias/orders', ciphertext });
 *   useTheKey(result.plaintext);
 * }
 * declare function useTheKey(key: Uint8Array): void;
 * ```
 */
export class DecryptResult extends SecretResult {
  readonly #plaintext: SecretBytes;
  /** The ARN of the key that opened it. */
  readonly keyId: string;
  /** The version of that key, where the backend knows it. */
  readonly keyVersion: string | undefined;
  /** The algorithm that opened it. */
  readonly algorithm: EncryptionAlgorithm;

  /** @param fields `plaintext` passes into the ownership of the result: the caller must not use it any more. */
  constructor(fields: {
    readonly plaintext: Uint8Array;
    readonly keyId: string;
    readonly keyVersion?: string | undefined;
    readonly algorithm: EncryptionAlgorithm;
  }) {
    super();
    this.#plaintext = new SecretBytes(fields.plaintext);
    this.keyId = fields.keyId;
    this.keyVersion = fields.keyVersion;
    this.algorithm = fields.algorithm;
  }

  /** The plaintext. @throws {@link ProviderClosedError} once disposed. */
  get plaintext(): Uint8Array {
    return this.#plaintext.bytes;
  }

  override [Symbol.dispose](): void {
    this.#plaintext.dispose();
  }

  protected override get shown(): Record<string, unknown> {
    return { keyId: this.keyId, algorithm: this.algorithm };
  }
}

/**
 * A new data key, in plaintext to encrypt with now, and wrapped to store beside the data.
 * Wipe it when done: `using`, or `dataKey[Symbol.dispose]()`.
 */
export class DataKey extends SecretResult {
  readonly #plaintext: SecretBytes;
  /** The data key wrapped under the key `keyId`. */
  readonly ciphertext: Uint8Array;
  /** The ARN of the key that wraps it. */
  readonly keyId: string;
  /** The version of that key, where the backend knows it. */
  readonly keyVersion: string | undefined;

  /** @param fields `plaintext` passes into the ownership of the data key: the caller must not use it any more. */
  constructor(fields: {
    readonly plaintext: Uint8Array;
    readonly ciphertext: Uint8Array;
    readonly keyId: string;
    readonly keyVersion?: string | undefined;
  }) {
    super();
    this.#plaintext = new SecretBytes(fields.plaintext);
    this.ciphertext = fields.ciphertext;
    this.keyId = fields.keyId;
    this.keyVersion = fields.keyVersion;
  }

  /** The data key itself. @throws {@link ProviderClosedError} once disposed. */
  get plaintext(): Uint8Array {
    return this.#plaintext.bytes;
  }

  override [Symbol.dispose](): void {
    this.#plaintext.dispose();
  }

  protected override get shown(): Record<string, unknown> {
    return { keyId: this.keyId, ciphertext: this.ciphertext };
  }
}

/**
 * A new asymmetric data key pair: the private key in plaintext and wrapped, and the public key.
 * Wipe it when done: `using`, or `pair[Symbol.dispose]()`.
 */
export class DataKeyPair extends SecretResult {
  readonly #privateKey: SecretBytes;
  /** The public key: DER of SubjectPublicKeyInfo (RFC 5280 §4.1). */
  readonly publicKey: Uint8Array;
  /** The private key wrapped under the key `keyId`; it opens to the same DER. */
  readonly privateKeyCiphertext: Uint8Array;
  /** What kind of pair it is. */
  readonly keyPairSpec: DataKeyPairSpec;
  /** The ARN of the key that wraps the private key. */
  readonly keyId: string;
  /** The version of that key, where the backend knows it. */
  readonly keyVersion: string | undefined;

  /** @param fields `privateKey` passes into the ownership of the pair: the caller must not use it any more. */
  constructor(fields: {
    readonly privateKey: Uint8Array;
    readonly publicKey: Uint8Array;
    readonly privateKeyCiphertext: Uint8Array;
    readonly keyPairSpec: DataKeyPairSpec;
    readonly keyId: string;
    readonly keyVersion?: string | undefined;
  }) {
    super();
    this.#privateKey = new SecretBytes(fields.privateKey);
    this.publicKey = fields.publicKey;
    this.privateKeyCiphertext = fields.privateKeyCiphertext;
    this.keyPairSpec = fields.keyPairSpec;
    this.keyId = fields.keyId;
    this.keyVersion = fields.keyVersion;
  }

  /** The private key: DER of PKCS#8 (RFC 5958). @throws {@link ProviderClosedError} once disposed. */
  get privateKey(): Uint8Array {
    return this.#privateKey.bytes;
  }

  override [Symbol.dispose](): void {
    this.#privateKey.dispose();
  }

  protected override get shown(): Record<string, unknown> {
    return {
      keyId: this.keyId,
      keyPairSpec: this.keyPairSpec,
      publicKey: this.publicKey,
      privateKeyCiphertext: this.privateKeyCiphertext,
    };
  }
}
