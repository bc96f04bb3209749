import type { EncryptionContext } from './encryption-context.js';
import type { DataKeyPairSpec, EncryptionAlgorithm } from './key-spec.js';

// What the hooks of AbstractKeyWrapProvider get and give back. Requests are complete, checked and
// copied; the copies are wiped once the hook has settled, so a hook must not keep them.

/** What goes with a call, checked. */
export interface CallContext {
  /** Aborted when the caller gives up: pass it on to whatever can stop early. */
  readonly signal?: AbortSignal | undefined;
  /** Authorisation to pass on, where the backend knows grants. */
  readonly grantTokens?: readonly string[] | undefined;
}

/** A key and how to use it. The context is empty under an asymmetric algorithm. */
export interface KeyRequest {
  /** Any of the four forms. */
  readonly keyId: string;
  readonly algorithm: EncryptionAlgorithm;
  readonly encryptionContext: EncryptionContext;
}

/** As {@link KeyRequest}, but `keyId` may be undefined when the algorithm is symmetric: find the key from the ciphertext. */
export type SourceRequest = Omit<KeyRequest, 'keyId'> & { readonly keyId: string | undefined };

export type EncryptRequest = KeyRequest & { readonly plaintext: Uint8Array };

export type DecryptRequest = SourceRequest & { readonly ciphertext: Uint8Array };

export interface ReEncryptRequest {
  readonly ciphertext: Uint8Array;
  readonly source: SourceRequest;
  readonly destination: KeyRequest;
}

export interface GenerateDataKeyRequest {
  readonly keyId: string;
  readonly encryptionContext: EncryptionContext;
  /** 1 to 1024. */
  readonly numberOfBytes: number;
}

export interface GenerateDataKeyPairRequest {
  readonly keyId: string;
  readonly encryptionContext: EncryptionContext;
  readonly keyPairSpec: DataKeyPairSpec;
}

/** Every output names the key by its ARN. */
export interface EncryptOutput {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
}

/** The plaintext passes into the ownership of the caller of the hook. */
export interface DecryptOutput {
  readonly plaintext: Uint8Array;
  readonly keyId: string;
}

export interface ReEncryptOutput {
  readonly ciphertext: Uint8Array;
  readonly sourceKeyId: string;
  readonly destinationKeyId: string;
}

/** The plaintext passes into the ownership of the caller of the hook. */
export type GenerateDataKeyOutput = EncryptOutput & { readonly plaintext: Uint8Array };

export interface WrappedDataKeyPairOutput {
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly privateKeyCiphertext: Uint8Array;
  readonly keyId: string;
}

/** The private key (DER of PKCS#8) passes into the ownership of the caller of the hook. */
export type DataKeyPairOutput = WrappedDataKeyPairOutput & { readonly privateKey: Uint8Array };
