import { createHmac } from 'node:crypto';
import { newSecret } from '@keywrap/core';
import type { MaterialVersion } from '@keywrap/provider-local/old-keys';
import type { Material, MaterialDetails } from './kms-key.js';

/**
 * The id of key material: it depends on the key and on the material, and tells nothing of the material,
 * because that is the key of the HMAC.
 */
export function materialId(keyId: string, material: Uint8Array): string {
  return createHmac('sha256', material).update(keyId).digest('hex');
}

/** All of them said, so that a polluted Object.prototype lends material no date to expire at. */
const NO_DETAILS = { rotation: undefined, description: undefined, validTo: undefined } as const;

/** Gives material what KMS keeps beside it. */
export function describeMaterial(
  keyId: string,
  material: MaterialVersion,
  details: Omit<MaterialDetails, 'id' | 'version'> = {},
): Material {
  const id = materialId(keyId, material.material);
  return { ...material, ...NO_DETAILS, ...details, id };
}

/** New material for a symmetric encryption key. */
export function newSymmetricMaterial(version: number): MaterialVersion {
  return { version, material: crypto.getRandomValues(newSecret(32)) };
}

/** What is left of material when the material itself has gone. */
export function withoutBytes({ id, version, rotation, description }: Material): MaterialDetails {
  return { id, version, rotation, description };
}
