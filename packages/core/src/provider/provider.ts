/// <reference lib="esnext.disposable" preserve="true" />
import type { OwnedBytes } from './bytes.js';
import type { EncryptionContext } from './encryption-context.js';
import type {
  AsymmetricAlgorithm,
  DataKeyPairSpec,
  DataKeySpec,
  EncryptionAlgorithm,
  KeyOrigin,
  KeySpec,
  KeyState,
  KeyUsage,
  SymmetricAlgorithm,
} from './key-spec.js';
import type { DataKey, DataKeyPair, DecryptResult } from './secrets.js';

/** The options of any call. */
export interface CallOptions {
  /** Aborts the call: it rejects with `AbortError`, before the work if possible. */
  readonly signal?: AbortSignal | undefined;
  /**
   * [Grant tokens](https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#grant_token), at
   * most 10. Providers without grants ignore them. They are not shown in errors.
   */
  readonly grantTokens?: readonly string[] | undefined;
  /**
   * For `generateDataKey`: the number of bytes that the data key will encrypt, for a data-key cache. A provider
   * that makes a new data key for each call ignores it.
   */
  readonly bytesToEncrypt?: number | undefined;
}

/** A symmetric key, and the encryption context to bind to. */
export interface SymmetricTarget {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
  readonly algorithm?: SymmetricAlgorithm | undefined;
  /** The pairs that the ciphertext is bound to. */
  readonly encryptionContext?: EncryptionContext | undefined;
}

/** An asymmetric key. It can't bind to an encryption context, because RSA has no additional data. */
export interface AsymmetricTarget {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
  readonly algorithm: AsymmetricAlgorithm;
  readonly encryptionContext?: never;
}

/** A symmetric source. Name the key; without it, the ciphertext chooses the key. */
export interface SymmetricSource extends Omit<SymmetricTarget, 'keyId'> {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId?: string | undefined;
}

/**
 * A plaintext to encrypt, and the key.
 *
 * `plaintext` is 1 to 4096 bytes under a symmetric key; under RSA at most 214, 342 or 470 bytes
 * (SHA-1) or 190, 318 or 446 bytes (SHA-256) for 2048, 3072 and 4096 bits. It may be wiped as soon as
 * the call has returned its promise.
 */
export type EncryptInput = { readonly plaintext: Uint8Array } & (
  | SymmetricTarget
  | AsymmetricTarget
);

/** The key that was used. */
export interface UsedKey {
  /** The ARN of the key. */
  readonly keyId: string;
  /** The version of the key that was used, if the backend knows it. */
  readonly keyVersion?: string | undefined;
}

/** A ciphertext, and the key and algorithm that made it. */
export interface EncryptResult extends UsedKey {
  /** At most 6144 bytes. */
  readonly ciphertext: OwnedBytes;
  readonly algorithm: EncryptionAlgorithm;
}

/** A ciphertext of a symmetric key to decrypt, 1 to 6144 bytes. */
export type DecryptInput = { readonly ciphertext: Uint8Array } & SymmetricSource;

/** A ciphertext of an asymmetric key to decrypt. Anyone with the public key can make one. */
export type DecryptAsymmetricInput = { readonly ciphertext: Uint8Array } & AsymmetricTarget;

/** A ciphertext to move from one key to another, 1 to 6144 bytes. */
export interface ReEncryptInput {
  readonly ciphertext: Uint8Array;
  /** The key and context of the ciphertext. Optional if a symmetric key made it without a context. */
  readonly source?: SymmetricSource | AsymmetricTarget | undefined;
  /** The key and context of the new ciphertext. */
  readonly destination: SymmetricTarget | AsymmetricTarget;
}

/** The new ciphertext, and both sides of the move. */
export interface ReEncryptResult {
  /** At most 6144 bytes. */
  readonly ciphertext: OwnedBytes;
  /** The ARN of the key that decrypted the old ciphertext. */
  readonly sourceKeyId: string;
  /** The version of the source key, if the backend knows it. */
  readonly sourceKeyVersion?: string | undefined;
  readonly sourceAlgorithm: EncryptionAlgorithm;
  /** The ARN of the key that made the new ciphertext. */
  readonly destinationKeyId: string;
  /** The version of the destination key, if the backend knows it. */
  readonly destinationKeyVersion?: string | undefined;
  readonly destinationAlgorithm: EncryptionAlgorithm;
}

/** A standard data key or one of 1 to 1024 bytes, and the symmetric key to wrap it under. */
export type GenerateDataKeyInput = Omit<SymmetricTarget, 'algorithm'> &
  (
    | { readonly keySpec: DataKeySpec; readonly numberOfBytes?: never }
    | { readonly numberOfBytes: number; readonly keySpec?: never }
  );

/** A wrapped data key, without its plaintext. */
export interface WrappedDataKey extends UsedKey {
  /** The data key wrapped under the key `keyId`. */
  readonly ciphertext: OwnedBytes;
}

/** The kind of pair, and the symmetric key to wrap its private key under. */
export interface GenerateDataKeyPairInput extends Omit<SymmetricTarget, 'algorithm'> {
  readonly keyPairSpec: DataKeyPairSpec;
}

/** A data key pair with its private key wrapped only. */
export interface WrappedDataKeyPair extends UsedKey {
  /** DER of SubjectPublicKeyInfo (RFC 5280 §4.1). */
  readonly publicKey: OwnedBytes;
  /** DER of PKCS#8 (RFC 5958), wrapped under the key `keyId`. */
  readonly privateKeyCiphertext: OwnedBytes;
  readonly keyPairSpec: DataKeyPairSpec;
}

/** Names a key. */
export interface KeyInput {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
}

/** The public half of an asymmetric key. */
export interface PublicKeyResult extends UsedKey {
  /** DER of SubjectPublicKeyInfo (RFC 5280 §4.1). */
  readonly publicKey: OwnedBytes;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  /** Its encryption algorithms; empty for a key that signs. */
  readonly algorithms: readonly EncryptionAlgorithm[];
}

/** The description of a key. */
export interface KeyDescription {
  /** The ARN of the key. */
  readonly keyId: string;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly keyState: KeyState;
  readonly origin: KeyOrigin;
  /** Its encryption algorithms; empty for a key that signs or makes MACs. */
  readonly algorithms: readonly EncryptionAlgorithm[];
  readonly description: string;
  /** Undefined if the backend does not know it: many HSMs keep no date. */
  readonly creationDate?: Date | undefined;
  /** The version of the key that encrypts now, if the backend knows it. */
  readonly keyVersion?: string | undefined;
  /** When it will be deleted, if it is pending deletion. */
  readonly deletionDate?: Date | undefined;
}

/** The limits of a provider, in bytes; each is at most that of `LIMITS`, which is the default. */
export interface ProviderLimits {
  /** Longest plaintext and data key under a symmetric key. */
  readonly plaintext?: number | undefined;
  /** Longest ciphertext, made or accepted. */
  readonly ciphertext?: number | undefined;
  /** Longest serialised encryption context. */
  readonly encryptionContext?: number | undefined;
}

/**
 * Describes what a provider supports. It passes the testkit's cases for what it declares, and rejects everything
 * else with `UnsupportedOperationError`.
 */
export interface ProviderCapabilities {
  /** The algorithms that it encrypts and decrypts with. */
  readonly algorithms: readonly EncryptionAlgorithm[];
  /**
   * True if each RSA key has one of these algorithms only, as in Google Cloud KMS; see
   * {@link KeyDescription.algorithms}. Another algorithm is rejected with `InvalidKeyUsageError`.
   */
  readonly oneAlgorithmPerKey?: boolean | undefined;
  /** Limits that are lower than `LIMITS`. */
  readonly limits?: ProviderLimits | undefined;
  /** True if it binds ciphertexts to an encryption context. */
  readonly encryptionContext: boolean;
  /** True if a symmetric ciphertext identifies its key, so that `decrypt` may omit `keyId`. */
  readonly keyIdFromCiphertext: boolean;
  /** True if it generates data keys. */
  readonly dataKeys: boolean;
  /** The algorithm that wraps data keys: by default `SYMMETRIC_DEFAULT`; RSA if a backend has only that. */
  readonly dataKeyAlgorithm?: EncryptionAlgorithm | undefined;
  /** The kinds of data key pair that it generates. */
  readonly dataKeyPairSpecs: readonly DataKeyPairSpec[];
}

/**
 * Wraps, unwraps and re-wraps data keys. Services depend on this interface, not on a backend.
 *
 * Every failure is a `KeyWrapError`. Any of the methods may reject with `InvalidInputError` (nothing
 * was done), `KeyNotFoundError`, `KeyDisabledError`, `KeyStateError`, `InvalidKeyUsageError`,
 * `UnsupportedOperationError`, `AccessDeniedError`, `ThrottledError`, `ProviderUnavailableError`,
 * `ProviderClosedError` and `AbortError`; each method documents its other errors.
 *
 * Input is copied before the promise is returned and never changed. Results own their memory. Nothing is compressed,
 * logged or kept, and no call leaves a listener or a timer: the README of this package has every promise, with the id
 * of its rule in `@keywrap/testkit`.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 *
 * async function newOrderKey(keys: KeyWrapProvider, orderId: string) {
 *   return keys.generateDataKey({
 *     keyId: 'alias/orders',
 *     keySpec: 'AES_256',
 *     encryptionContext: { orderId },
 *   });
 * }
 * ```
 */
export interface KeyWrapProvider extends AsyncDisposable {
  /** Identifies the kind of provider: `local`, `aws-kms`, ... */
  readonly id: string;
  readonly capabilities: ProviderCapabilities;

  /** Encrypts a data key ([Encrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html)). */
  encrypt(input: EncryptInput, options?: CallOptions): Promise<EncryptResult>;

  /**
   * Decrypts a ciphertext of a symmetric key ([Decrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html)).
   *
   * Rejects with `InvalidCiphertextError` when decryption fails, and with `IncorrectKeyError` when a key other
   * than the named one made the ciphertext. Where ciphertexts do not identify their key
   * (`capabilities.keyIdFromCiphertext` is false), that is an `InvalidCiphertextError` too. Rejects with
   * `AccessDeniedError` when the ciphertext identifies a key that does not exist here.
   */
  decrypt(input: DecryptInput, options?: CallOptions): Promise<DecryptResult>;

  /**
   * Decrypts what was encrypted, here or elsewhere, with the public half of an asymmetric key. A backend may put
   * the key version before its own ciphertexts; those without it, as long as the modulus, decrypt too.
   * Rejects with `InvalidCiphertextError` when decryption fails.
   */
  decryptAsymmetric(input: DecryptAsymmetricInput, options?: CallOptions): Promise<DecryptResult>;

  /**
   * Moves a ciphertext from one key to another; the plaintext never reaches the caller
   * ([ReEncrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html)).
   * Rejects as `decrypt` does for the source, and as `encrypt` does for the destination.
   */
  reEncrypt(input: ReEncryptInput, options?: CallOptions): Promise<ReEncryptResult>;

  /** Makes a data key, in plaintext and wrapped ([GenerateDataKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html)). */
  generateDataKey(input: GenerateDataKeyInput, options?: CallOptions): Promise<DataKey>;

  /** Makes a data key, wrapped only ([GenerateDataKeyWithoutPlaintext](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html)). */
  generateDataKeyWithoutPlaintext(
    input: GenerateDataKeyInput,
    options?: CallOptions,
  ): Promise<WrappedDataKey>;

  /** Makes a key pair, its private key in plaintext and wrapped ([GenerateDataKeyPair](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html)). */
  generateDataKeyPair(input: GenerateDataKeyPairInput, options?: CallOptions): Promise<DataKeyPair>;

  /** Makes a key pair whose private key is wrapped only ([GenerateDataKeyPairWithoutPlaintext](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html)). */
  generateDataKeyPairWithoutPlaintext(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<WrappedDataKeyPair>;

  /**
   * Returns the public half of an asymmetric key ([GetPublicKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html)).
   * Rejects with `UnsupportedOperationError` for a key that has none.
   */
  getPublicKey(input: KeyInput, options?: CallOptions): Promise<PublicKeyResult>;

  /** Describes a key, whatever its state ([DescribeKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html)). */
  describeKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;

  /** Waits for the calls in progress and releases resources. Every later call rejects with `ProviderClosedError`. */
  close(): Promise<void>;
}
