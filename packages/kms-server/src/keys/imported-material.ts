import { createPrivateKey } from 'node:crypto';
import { isDataKeyPairSpec } from '@keywrap/core';
import { type MaterialVersion, readMaterial } from '@keywrap/provider-local/old-keys';
import { KmsError } from '../protocol/kms-error.js';
import { invalidState } from './key-state.js';
import type { RegionKeys } from './key-store.js';
import { isSymmetric, type KmsKey, type Material, materialHistory } from './kms-key.js';

/** What an import says beside the material. */
export interface ImportDetails {
  readonly validTo: Date | undefined;
  /** By default new for the first material of a key, and existing for any other. */
  readonly importType: 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL' | undefined;
  /** What the material is expected to be. */
  readonly keyMaterialId: string | undefined;
  readonly description: string | undefined;
}

/**
 * Reads unwrapped material: the bytes of a symmetric or HMAC key, or the DER of PKCS#8.
 *
 * @throws KmsError `IncorrectKeyMaterialException`
 */
export async function readImported(
  { keySpec }: Pick<KmsKey, 'keySpec'>,
  bytes: Uint8Array,
): Promise<MaterialVersion> {
  try {
    // provider-local reads many more encodings than KMS does.
    if (isDataKeyPairSpec(keySpec)) {
      const der = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    }
    return await readMaterial(keySpec, bytes, undefined);
  } catch {
    throw incorrectMaterial();
  }
}

/**
 * A key with imported material: its first, the same again, or, for a symmetric key, material to rotate to
 * ([ImportKeyMaterial](https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html)).
 *
 * @throws KmsError `IncorrectKeyMaterialException`, `KMSInvalidStateException`
 */
export function withImported(
  key: KmsKey,
  material: Material,
  { importType, keyMaterialId }: ImportDetails,
  keys: RegionKeys,
): KmsKey {
  const history = materialHistory(key);
  if (keyMaterialId !== undefined && keyMaterialId !== material.id) throw incorrectMaterial();
  if (history.length === 0) {
    if (importType === 'EXISTING_KEY_MATERIAL') throw incorrectMaterial();
    return { ...key, materials: [material], keyState: 'Enabled' };
  }
  const isKnown = [...history, key.pendingMaterial].some((known) => known?.id === material.id);
  if (isKnown) return withReimported(key, material);
  if (importType !== 'NEW_KEY_MATERIAL' || !isSymmetric(key)) throw incorrectMaterial();
  if (key.pendingMaterial !== undefined) {
    throw invalidState(
      `New key material (id: ${material.id}) cannot be imported into KMS key ${keys.arnOf(key)}, because another key material (id: ${key.pendingMaterial.id}) is pending rotation.`,
    );
  }
  return { ...key, pendingMaterial: { ...material, version: history.length + 1 } };
}

/** The same material again: it comes back, or only its description and date change. */
function withReimported(key: KmsKey, material: Material): KmsKey {
  const renew = (known: { version: number; description?: string | undefined }): Material => ({
    ...known,
    ...material,
    version: known.version,
    description: material.description ?? known.description,
  });
  if (key.pendingMaterial?.id === material.id)
    return { ...key, pendingMaterial: renew(key.pendingMaterial) };
  const missing = key.missing.filter(({ id }) => id !== material.id);
  const known = materialHistory(key).filter(({ id }) => missing.every((gone) => gone.id !== id));
  const materials = known.map((details) => {
    const present = key.materials.find(({ id }) => id === details.id);
    return details.id === material.id ? renew(details) : (present as Material);
  });
  const isComplete = key.keyState === 'PendingImport' && missing.length === 0;
  return { ...key, materials, missing, keyState: isComplete ? 'Enabled' : key.keyState };
}

function incorrectMaterial(): KmsError {
  return new KmsError('IncorrectKeyMaterialException');
}
