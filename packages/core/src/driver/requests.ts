import type { OwnedBytes } from '../provider/bytes.js';
import type { EncryptionContext } from '../provider/encryption-context.js';
import type { KeyName } from '../provider/key-id.js';
import type { DataKeyPairSpec, EncryptionAlgorithm } from '../provider/key-spec.js';
import type { PublicKeyResult, UsedKey } from '../provider/provider.js';

// The requests and outputs of drivers. Requests are complete, checked and copied.

/** A value or a promise of it: a driver may return either. */
export type Awaitable<T> = T | Promise<T>;

/** The checked options of a call. An option that changes what a call may do must be part of a cache's key. */
export interface Call {
  /** Aborted when the caller gives up: pass it on to anything that can stop early. */
  readonly signal: AbortSignal | undefined;
  /** Authorisation to pass on, if the backend has grants. */
  readonly grantTokens: readonly string[] | undefined;
  /** The number of bytes that a data key will encrypt, for a data-key cache. */
  readonly bytesToEncrypt: number | undefined;
}

/** A key and how to use it. The context is empty under an asymmetric algorithm. */
export interface Target {
  readonly key: KeyName;
  readonly algorithm: EncryptionAlgorithm;
  readonly encryptionContext: EncryptionContext;
}

/** As {@link Target}; `key` is undefined if the symmetric ciphertext must identify its key. */
export interface Source extends Omit<Target, 'key'> {
  readonly key: KeyName | undefined;
}

/** `plaintext` is 1 to 4096 bytes, and wiped once the driver's function has settled. */
export interface EncryptRequest extends Target {
  readonly plaintext: OwnedBytes;
}

/** `ciphertext` is 1 to 6144 bytes. */
export interface DecryptRequest extends Source {
  readonly ciphertext: OwnedBytes;
}

/** A ciphertext to move from one key to another. */
export interface ReEncryptRequest {
  readonly ciphertext: OwnedBytes;
  readonly source: Source;
  readonly destination: Target;
}

/** A data key to generate. `algorithm` is what the backend wraps data keys with. */
export interface DataKeyRequest extends Target {
  /** 1 to 1024. */
  readonly numberOfBytes: number;
}

/** A data key pair to generate. `algorithm` is what the backend wraps private keys with. */
export interface DataKeyPairRequest extends Target {
  readonly keyPairSpec: DataKeyPairSpec;
}

/** Names a key only. */
export interface KeyRequest {
  readonly key: KeyName;
}

/** `ciphertext` is at most 6144 bytes. */
export interface EncryptOutput extends UsedKey {
  readonly ciphertext: Uint8Array;
}

/** Passes ownership of the plaintext: the driver must not use it again. */
export interface DecryptOutput extends UsedKey {
  readonly plaintext: Uint8Array;
}

/** The new ciphertext, and the keys of both sides. */
export interface ReEncryptOutput {
  readonly ciphertext: Uint8Array;
  readonly sourceKeyId: string;
  readonly sourceKeyVersion?: string | undefined;
  readonly destinationKeyId: string;
  readonly destinationKeyVersion?: string | undefined;
}

/** Passes ownership of the plaintext: the driver must not use it again. */
export interface DataKeyOutput extends EncryptOutput {
  readonly plaintext: Uint8Array;
}

/** A key pair whose private key is wrapped only. */
export interface WrappedDataKeyPairOutput extends UsedKey {
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly privateKeyCiphertext: Uint8Array;
}

/** Passes ownership of the private key (DER of PKCS#8): the driver must not use it again. */
export interface DataKeyPairOutput extends WrappedDataKeyPairOutput {
  readonly privateKey: Uint8Array;
}

/** The public half of an asymmetric key. */
export interface PublicKeyOutput extends Omit<PublicKeyResult, 'publicKey'> {
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}
