/// <reference lib="esnext.disposable" preserve="true" />
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

/** What goes with any call. */
export interface CallOptions {
  /** Aborts the call: it rejects with `AbortError`, before the work where that is possible. */
  readonly signal?: AbortSignal | undefined;
  /**
   * [Grant tokens](https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#grant_token), at
   * most 10. A provider whose backend has no grants ignores them.
   */
  readonly grantTokens?: readonly string[] | undefined;
  /**
   * For `generateDataKey`: how many bytes the data key is going to encrypt, for a data-key cache to
   * count. A provider that makes a new data key for each call ignores it.
   */
  readonly bytesToEncrypt?: number | undefined;
}

/** A symmetric key, and the encryption context to bind to. */
export interface SymmetricTarget {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
  readonly algorithm?: SymmetricAlgorithm | undefined;
  /** What the ciphertext is bound to. */
  readonly encryptionContext?: EncryptionContext | undefined;
}

/** An asymmetric key. It can't bind to an encryption context: there is no authenticated data in RSA. */
export interface AsymmetricTarget {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
  readonly algorithm: AsymmetricAlgorithm;
  readonly encryptionContext?: never;
}

/** A symmetric source. Name the key that you mean; without it the ciphertext says which key opens it. */
export interface SymmetricSource extends Omit<SymmetricTarget, 'keyId'> {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId?: string | undefined;
}

/**
 * What to encrypt, under which key.
 *
 * `plaintext` is 1 to 4096 bytes under a symmetric key; under RSA at most 214, 342 or 470 bytes
 * (SHA-1) or 190, 318 or 446 bytes (SHA-256) for 2048, 3072 and 4096 bits. It may be wiped as soon as
 * the call has returned its promise.
 */
export type EncryptInput = { readonly plaintext: Uint8Array } & (
  | SymmetricTarget
  | AsymmetricTarget
);

/** A ciphertext and what made it. */
export interface EncryptResult {
  /** At most 6144 bytes. */
  readonly ciphertext: Uint8Array;
  /** The ARN of the key. */
  readonly keyId: string;
  /** The version of the key that was used, where the backend knows it. */
  readonly keyVersion?: string | undefined;
  readonly algorithm: EncryptionAlgorithm;
}

/** What to decrypt, under a symmetric key. `ciphertext` is 1 to 6144 bytes. */
export type DecryptInput = { readonly ciphertext: Uint8Array } & SymmetricSource;

/** What to decrypt, under an asymmetric key; anybody with the public key can have made it. */
export type DecryptAsymmetricInput = { readonly ciphertext: Uint8Array } & AsymmetricTarget;

/** What to move from one key to another. `ciphertext` is 1 to 6144 bytes. */
export interface ReEncryptInput {
  readonly ciphertext: Uint8Array;
  /** What the ciphertext was made with. May be left out when a symmetric key made it without a context. */
  readonly source?: SymmetricSource | AsymmetricTarget | undefined;
  /** What to make the new ciphertext with. */
  readonly destination: SymmetricTarget | AsymmetricTarget;
}

/** The new ciphertext, and both sides of the move. */
export interface ReEncryptResult {
  /** At most 6144 bytes. */
  readonly ciphertext: Uint8Array;
  /** The ARN of the key that opened the old ciphertext. */
  readonly sourceKeyId: string;
  /** The version of the source key, where the backend knows it. */
  readonly sourceKeyVersion?: string | undefined;
  readonly sourceAlgorithm: EncryptionAlgorithm;
  /** The ARN of the key that made the new ciphertext. */
  readonly destinationKeyId: string;
  /** The version of the destination key, where the backend knows it. */
  readonly destinationKeyVersion?: string | undefined;
  readonly destinationAlgorithm: EncryptionAlgorithm;
}

/** A standard data key or one of 1 to 1024 bytes, and the symmetric key to wrap it under. */
export type GenerateDataKeyInput = Omit<SymmetricTarget, 'algorithm'> &
  (
    | { readonly keySpec: DataKeySpec; readonly numberOfBytes?: never }
    | { readonly numberOfBytes: number; readonly keySpec?: never }
  );

/** A data key that only exists wrapped. */
export interface WrappedDataKey {
  /** The data key wrapped under the key `keyId`. */
  readonly ciphertext: Uint8Array;
  /** The ARN of the key that wraps it. */
  readonly keyId: string;
  /** The version of the key that was used, where the backend knows it. */
  readonly keyVersion?: string | undefined;
}

/** What kind of pair, and the symmetric key to wrap its private key under. */
export interface GenerateDataKeyPairInput extends Omit<SymmetricTarget, 'algorithm'> {
  readonly keyPairSpec: DataKeyPairSpec;
}

/** A data key pair whose private key only exists wrapped. */
export interface WrappedDataKeyPair {
  /** DER of SubjectPublicKeyInfo (RFC 5280 §4.1). */
  readonly publicKey: Uint8Array;
  /** DER of PKCS#8 (RFC 5958), wrapped under the key `keyId`. */
  readonly privateKeyCiphertext: Uint8Array;
  readonly keyPairSpec: DataKeyPairSpec;
  /** The ARN of the key that wraps the private key. */
  readonly keyId: string;
  /** The version of the key that was used, where the backend knows it. */
  readonly keyVersion?: string | undefined;
}

/** Which key. */
export interface KeyInput {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
}

/** The public half of an asymmetric key. */
export interface PublicKeyResult {
  /** DER of SubjectPublicKeyInfo (RFC 5280 §4.1). */
  readonly publicKey: Uint8Array;
  /** The ARN of the key. */
  readonly keyId: string;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  /** What can be encrypted with it; empty for a key that signs. */
  readonly algorithms: readonly EncryptionAlgorithm[];
}

/** What is known of a key without using it. */
export interface KeyDescription {
  /** The ARN of the key. */
  readonly keyId: string;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly keyState: KeyState;
  readonly origin: KeyOrigin;
  /** What it encrypts with; empty for a key that signs or makes MACs. */
  readonly algorithms: readonly EncryptionAlgorithm[];
  readonly description: string;
  readonly creationDate: Date;
  /** When it will be deleted, while it waits for that. */
  readonly deletionDate?: Date | undefined;
}

/**
 * What a provider can do. What it declares, it does the way the testkit says; what it does not
 * declare, it refuses with `UnsupportedOperationError`.
 */
export interface ProviderCapabilities {
  /** What it encrypts and decrypts with. */
  readonly algorithms: readonly EncryptionAlgorithm[];
  /** Whether a ciphertext can be bound to an encryption context. */
  readonly encryptionContext: boolean;
  /** Whether a symmetric ciphertext says which key opens it, so that `decrypt` may leave `keyId` out. */
  readonly keyIdFromCiphertext: boolean;
  /** Whether it generates data keys. */
  readonly dataKeys: boolean;
  /** What data keys are wrapped with: by default `SYMMETRIC_DEFAULT`; RSA where a backend has that alone. */
  readonly dataKeyAlgorithm?: EncryptionAlgorithm | undefined;
  /** The kinds of data key pair that it generates. */
  readonly dataKeyPairSpecs: readonly DataKeyPairSpec[];
}

/**
 * Wraps, unwraps and re-wraps data keys. Services are given one and never learn which it is.
 *
 * Every failure is a `KeyWrapError`. Any of the methods may reject with `InvalidInputError` (nothing
 * was done), `KeyNotFoundError`, `KeyDisabledError`, `KeyStateError`, `InvalidKeyUsageError`,
 * `UnsupportedOperationError`, `AccessDeniedError`, `ThrottledError`, `ProviderUnavailableError`,
 * `ProviderClosedError` and `AbortError`; what else, each method says.
 *
 * Input is copied before the promise is returned and never changed. Results own their memory.
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
  /** What kind of provider it is: `local`, `aws-kms`, ... */
  readonly id: string;
  readonly capabilities: ProviderCapabilities;

  /** Encrypts a data key ([Encrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html)). */
  encrypt(input: EncryptInput, options?: CallOptions): Promise<EncryptResult>;

  /**
   * Decrypts what a symmetric key encrypted ([Decrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html)).
   *
   * Rejects with `InvalidCiphertextError` when it does not open, and `IncorrectKeyError` when another
   * key than the one that was named made it.
   */
  decrypt(input: DecryptInput, options?: CallOptions): Promise<DecryptResult>;

  /**
   * Decrypts what was encrypted, here or outside, with the public half of an asymmetric key.
   * Rejects with `InvalidCiphertextError` when it does not open.
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

  /** Makes a data key for later: wrapped only ([GenerateDataKeyWithoutPlaintext](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html)). */
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
   * The public half of an asymmetric key ([GetPublicKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html)).
   * Rejects with `UnsupportedOperationError` for a key that has none.
   */
  getPublicKey(input: KeyInput, options?: CallOptions): Promise<PublicKeyResult>;

  /** What is known of a key, whatever its state ([DescribeKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html)). */
  describeKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;

  /** Waits for the calls under way and lets go of everything. Every later call rejects with `ProviderClosedError`. */
  close(): Promise<void>;
}
