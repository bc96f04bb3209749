import type { ArnScope, KeySpec, KeyUsage } from '@keywrap/core';
import { KeyMaterial } from './material.js';
import type { KeyRecord, KeyVersion, Tag } from './record.js';

const NO_DETAILS = { description: undefined, validTo: undefined } as const;

/** Key material that was generated or imported, before it belongs to a key. */
export interface NewMaterial {
  readonly material: KeyMaterial;
  /** DER of SubjectPublicKeyInfo, for RSA and ECC. */
  readonly publicKey: Uint8Array | undefined;
}

/** The complete request for a new key. */
export interface NewKey {
  readonly scope: ArnScope;
  readonly id: string;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly origin: 'AWS_KMS' | 'EXTERNAL';
  readonly description: string;
  readonly creationDate: Date;
  /** Undefined for a key that is pending import. */
  readonly version: KeyVersion | undefined;
  readonly tags: readonly Tag[];
  /** Undefined for the default policy. */
  readonly policy: string | undefined;
}

/** Makes the record of a new key. A multi-Region key is the primary, unless there is another with its id. */
export function newKey({ version, ...key }: NewKey): KeyRecord {
  return {
    ...key,
    keyState: version === undefined ? 'PendingImport' : 'Enabled',
    deletionDate: undefined,
    pendingWindowInDays: undefined,
    versions: version === undefined ? [] : [version],
    pendingVersion: undefined,
    automaticRotation: undefined,
    primaryRegion: isMultiRegionId(key.id) ? key.scope.region : undefined,
  };
}

/** Generates a key id: a UUID, or the 32 digits of a multi-Region key. */
export function newKeyId(isMultiRegion = false): string {
  const uuid = crypto.randomUUID();
  return isMultiRegion ? `mrk-${uuid.replaceAll('-', '')}` : uuid;
}

/** [Multi-Region keys](https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html#mrk-key-id) have a different form of id. */
export function isMultiRegionId(id: string): boolean {
  return id.startsWith('mrk-');
}

/**
 * Makes a version of a key from its material, which changes owner.
 *
 * @param keyId The id of the key.
 */
export async function newVersion(
  keyId: string,
  { material, publicKey }: NewMaterial,
  details: Pick<KeyVersion, 'description' | 'validTo'> = NO_DETAILS,
): Promise<KeyVersion> {
  return {
    version: 1,
    materialId: await materialIdOf(keyId, material),
    material,
    publicKey,
    rotation: undefined,
    description: details.description,
    validTo: details.validTo,
  };
}

/** Makes 32 random bytes of material for a symmetric encryption key. */
export function newSymmetricVersion(keyId: string): Promise<KeyVersion> {
  return newVersion(keyId, { material: KeyMaterial.random(32), publicKey: undefined });
}

/**
 * Returns the id of key material. It depends on the key and the material, and reveals nothing about the
 * material, which is the key of the HMAC (RFC 2104).
 */
export async function materialIdOf(keyId: string, { bytes }: KeyMaterial): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey(
    'raw',
    bytes as Uint8Array<ArrayBuffer>,
    algorithm,
    false,
    ['sign'],
  );
  const id = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(keyId));
  return Array.from(new Uint8Array(id), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
