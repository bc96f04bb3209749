import {
  type KeyOrigin,
  type KeySpec,
  type KeyState,
  type KeyUsage,
  ownFields,
} from '@keywrap/core';

/** One generation of a key's material. */
export interface MaterialVersion {
  /** Counted from 1; written into every blob. */
  readonly version: number;
  /**
   * Secret: 32 bytes for a symmetric key, as many as the hash for HMAC, DER of PKCS#8 for RSA and ECC.
   * Printing it, or writing it as JSON, shows nothing of it where the stores of this package have it.
   */
  readonly material: Uint8Array;
  /** DER of SubjectPublicKeyInfo, for RSA and ECC. */
  readonly publicKey?: Uint8Array | undefined;
}

/**
 * All that a store keeps of a key. Immutable: a change makes a new record, so whoever holds one sees
 * one state of the key and not two.
 */
export interface KeyRecord {
  /** The id at the end of the ARN: 1 to 255 letters, digits, `-` and `_`. */
  readonly id: string;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly keyState: KeyState;
  readonly origin: KeyOrigin;
  readonly description: string;
  readonly creationDate: Date;
  /** Set while the key is `PendingDeletion`. */
  readonly deletionDate?: Date | undefined;
  /** The newest last; empty while the key is `PendingImport`. */
  readonly materials: readonly MaterialVersion[];
  /** Material that waits to become the newest. Nothing is encrypted or decrypted with it. */
  readonly pendingMaterial?: MaterialVersion | undefined;
  /**
   * What a program that manages keys keeps beside this one, in a form of its own, such as JSON. Stores
   * keep it as they keep material, but it can't be wiped: key material does not belong in it.
   */
  readonly details?: string | undefined;
}

/** All material of a key, used or not. */
export function allMaterials(record: KeyRecord): MaterialVersion[] {
  const { materials, pendingMaterial } = ownFields(record);
  return pendingMaterial === undefined ? [...materials] : [...materials, pendingMaterial];
}
