/// <reference lib="esnext.disposable" preserve="true" />
import { type OwnedBytes, ownBytes, ownSecret, wipe } from './bytes.js';
import { ProviderClosedError } from './errors.js';
import type { DataKeyPairSpec, EncryptionAlgorithm } from './key-spec.js';
import { ownField } from './own-fields.js';
import type { UsedKey } from './provider.js';

const inspect = Symbol.for('nodejs.util.inspect.custom');

let secretOf: (result: SecretResult) => OwnedBytes;

/**
 * The base of every result with a secret. The secret owns its memory and is in a private field, so that
 * `console.log`, `util.inspect` and `JSON.stringify` show only the other fields.
 */
abstract class SecretResult implements Disposable {
  /** The ARN of the key that decrypted it, or wraps it. */
  readonly keyId: string;
  /** The version of that key, if the backend knows it. */
  readonly keyVersion: string | undefined;
  readonly #secret: OwnedBytes;
  #isDisposed = false;

  /** @param secret Passes into the ownership of the result; copied and wiped if it may share its memory. */
  constructor(secret: Uint8Array, key: UsedKey) {
    this.#secret = ownSecret(secret);
    this.keyId = key.keyId;
    this.keyVersion = ownField(key, 'keyVersion');
  }

  static {
    secretOf = (result) => {
      // Returning zeros instead would make a caller encrypt under an all-zero key.
      if (!result.#isDisposed) return result.#secret;
      throw new ProviderClosedError(
        'this secret was disposed; read it before the end of its scope',
      );
    };
  }

  /** Overwrites the secret; reading it after that throws {@link ProviderClosedError}. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    wipe(this.#secret);
  }

  toJSON(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this).filter(([, value]) => value !== undefined));
  }

  [inspect](
    _depth: number,
    options: object,
    inspectValue: (value: object, options: object) => string,
  ) {
    return `${this.constructor.name} ${inspectValue(this.toJSON(), options)}`;
  }
}

/**
 * A decrypted plaintext, and the key that decrypted it. Wipe it when done: `using`, or
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
  /** The algorithm that decrypted it. */
  readonly algorithm: EncryptionAlgorithm;

  /** @param fields `plaintext` passes into the ownership of the result: the caller must not use it afterwards. */
  constructor(
    fields: UsedKey & { readonly plaintext: Uint8Array; readonly algorithm: EncryptionAlgorithm },
  ) {
    super(fields.plaintext, fields);
    this.algorithm = fields.algorithm;
  }

  /** The plaintext. @throws {@link ProviderClosedError} once disposed. */
  get plaintext(): OwnedBytes {
    return secretOf(this);
  }
}

/**
 * A new data key: its plaintext to encrypt with now, and its ciphertext to store with the data.
 * Wipe it when done: `using`, or `dataKey[Symbol.dispose]()`.
 */
export class DataKey extends SecretResult {
  /** The data key wrapped under the key `keyId`. */
  readonly ciphertext: OwnedBytes;

  /** @param fields `plaintext` passes into the ownership of the data key: the caller must not use it afterwards. */
  constructor(
    fields: UsedKey & { readonly plaintext: Uint8Array; readonly ciphertext: Uint8Array },
  ) {
    super(fields.plaintext, fields);
    this.ciphertext = ownBytes(fields.ciphertext);
  }

  /** The data key itself. @throws {@link ProviderClosedError} once disposed. */
  get plaintext(): OwnedBytes {
    return secretOf(this);
  }
}

/**
 * A new asymmetric data key pair: the private key in plaintext and wrapped, and the public key.
 * Wipe it when done: `using`, or `pair[Symbol.dispose]()`.
 */
export class DataKeyPair extends SecretResult {
  /** The public key: DER of SubjectPublicKeyInfo (RFC 5280 §4.1). */
  readonly publicKey: OwnedBytes;
  /** The private key wrapped under the key `keyId`; it decrypts to the same DER. */
  readonly privateKeyCiphertext: OwnedBytes;
  /** The kind of pair. */
  readonly keyPairSpec: DataKeyPairSpec;

  /** @param fields `privateKey` passes into the ownership of the pair: the caller must not use it afterwards. */
  constructor(
    fields: UsedKey & {
      readonly privateKey: Uint8Array;
      readonly publicKey: Uint8Array;
      readonly privateKeyCiphertext: Uint8Array;
      readonly keyPairSpec: DataKeyPairSpec;
    },
  ) {
    super(fields.privateKey, fields);
    this.publicKey = ownBytes(fields.publicKey);
    this.privateKeyCiphertext = ownBytes(fields.privateKeyCiphertext);
    this.keyPairSpec = fields.keyPairSpec;
  }

  /** The private key: DER of PKCS#8 (RFC 5958). @throws {@link ProviderClosedError} once disposed. */
  get privateKey(): OwnedBytes {
    return secretOf(this);
  }
}
