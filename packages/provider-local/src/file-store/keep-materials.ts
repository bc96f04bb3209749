import { timingSafeEqual } from 'node:crypto';
import { wipe } from '@keywrap/core';
import type { KeyRecord, MaterialVersion } from '../keys/key-record.js';

/**
 * Gives a record that was read again the materials of the record before, as far as they are the same:
 * engines keep what they loaded from one, and a call under way may be about to.
 */
export function keepMaterials(record: KeyRecord, older: KeyRecord | undefined): KeyRecord {
  if (older === undefined) return record;
  return { ...record, materials: record.materials.map((material) => kept(material, older)) };
}

function kept(material: MaterialVersion, { materials }: KeyRecord): MaterialVersion {
  const same = materials.find(({ version }) => version === material.version);
  if (same === undefined || !equal(same.material, material.material)) return material;
  wipe(material.material);
  return same;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
