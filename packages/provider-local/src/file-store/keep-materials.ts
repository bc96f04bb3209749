import { wipe } from '@keywrap/core';
import { equalSecrets } from '../keys/equal-secrets.js';
import { allMaterials, type KeyRecord, type MaterialVersion } from '../old/key-record.js';

/**
 * Gives a record that was read again the materials of the record before, as far as they are the same:
 * engines keep what they loaded from one, and a call under way may be about to.
 */
export function keepMaterials(record: KeyRecord, older: KeyRecord | undefined): KeyRecord {
  if (older === undefined) return record;
  const { materials, pendingMaterial } = record;
  return {
    ...record,
    materials: materials.map((material) => kept(material, older)),
    ...(pendingMaterial && { pendingMaterial: kept(pendingMaterial, older) }),
  };
}

function kept(material: MaterialVersion, older: KeyRecord): MaterialVersion {
  const same = allMaterials(older).find(({ version }) => version === material.version);
  if (same === undefined || !equalSecrets(same.material, material.material)) return material;
  wipe(material.material);
  return same;
}
