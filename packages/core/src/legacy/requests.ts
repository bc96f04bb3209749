import type { EncryptionContext } from '../provider/encryption-context.js';
import type { DataKeyPairSpec, EncryptionAlgorithm } from '../provider/key-spec.js';

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
export interface LegacyKeyRequest {
  /** Any of the four forms. */
  readonly keyId: string;
  readonly algorithm: EncryptionAlgorithm;
  readonly encryptionContext: EncryptionContext;
}

/** As {@link LegacyKeyRequest}, but `keyId` may be undefined when the algorithm is symmetric: find the key from the ciphertext. */
export type LegacySourceRequest = Omit<LegacyKeyRequest, 'keyId'> & {
  readonly keyId: string | undefined;
};

export type LegacyEncryptRequest = LegacyKeyRequest & { readonly plaintext: Uint8Array };

export type LegacyDecryptRequest = LegacySourceRequest & { readonly ciphertext: Uint8Array };

export interface LegacyReEncryptRequest {
  readonly ciphertext: Uint8Array;
  readonly source: LegacySourceRequest;
  readonly destination: LegacyKeyRequest;
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

export type { DataKeyOutput as GenerateDataKeyOutput } from '../driver/requests.js';
