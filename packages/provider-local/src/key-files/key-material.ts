import { type DataKeyPairSpec, InvalidInputError, type OwnedBytes } from '@keywrap/core';

/** A public key alone. */
export interface PublicKeyMaterial {
  readonly type: 'public';
  readonly keySpec: DataKeyPairSpec;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: OwnedBytes;
}

/** A private key, and the public key that belongs to it. */
export interface PrivateKeyMaterial extends Omit<PublicKeyMaterial, 'type'> {
  readonly type: 'private';
  /** PrivateKeyInfo, DER: version 0, no attributes; it owns its memory, so it can be wiped. */
  readonly privateKey: OwnedBytes;
}

/** A key that was read: its key spec and its DER encodings. */
export type KeyMaterial = PrivateKeyMaterial | PublicKeyMaterial;

/** Makes the error for a key whose parts are well formed but belong to different keys. */
export function inconsistent(): InvalidInputError {
  return new InvalidInputError('keyMaterial', 'is damaged: its parts do not belong together');
}
