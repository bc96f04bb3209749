import { type KeyRecord, type KeyVersion, materialsOf } from '../keys/record.js';

/** All versions of a key, in use or waiting. */
export function allVersions({ versions, pendingVersion }: KeyRecord): readonly KeyVersion[] {
  return pendingVersion === undefined ? versions : [...versions, pendingVersion];
}

/**
 * Gives a record that was read again the material of the record before it, where that is the same: one
 * object stands for a version as long as the key is there, and an engine has loaded it.
 */
export function keepMaterials(record: KeyRecord, before: KeyRecord | undefined): KeyRecord {
  if (before === undefined) return record;
  const held = new Map(
    allVersions(before).map((version) => [version.materialId, version.material]),
  );
  const keep = (version: KeyVersion): KeyVersion => {
    const material = held.get(version.materialId);
    if (version.material === undefined || material === undefined) return version;
    version.material.destroy();
    return { ...version, material };
  };
  return {
    ...record,
    versions: record.versions.map(keep),
    pendingVersion: record.pendingVersion && keep(record.pendingVersion),
  };
}

/** Destroys the material that the next record, if there is one, has no more. */
export function releaseMaterials(record: KeyRecord, next: KeyRecord | undefined): void {
  const kept = new Set(next && materialsOf(next));
  for (const material of materialsOf(record)) if (!kept.has(material)) material.destroy();
}
