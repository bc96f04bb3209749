import { allVersions, type KeyRecord, type KeyVersion, materialsOf } from '../keys/record.js';

/**
 * Reuses unchanged material of the previous record in a record that was read again: a key version is
 * one object while the key exists, because an engine has loaded it.
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

/**
 * Remembers a record for as long as anything uses its material.
 *
 * @returns A function that returns the record with the material that is in use; undefined if none is.
 */
export function weakly({ versions, pendingVersion, ...record }: KeyRecord) {
  const weak = ({ material, ...version }: KeyVersion) => {
    const reference = material && new WeakRef(material);
    return (): KeyVersion => ({ ...version, material: reference?.deref() });
  };
  const [used, pending] = [versions.map(weak), pendingVersion && weak(pendingVersion)];
  return (): KeyRecord | undefined => {
    const known = { ...record, versions: used.map((of) => of()), pendingVersion: pending?.() };
    return materialsOf(known).length === 0 ? undefined : known;
  };
}

/** Destroys material that is not in the next record. */
export function releaseMaterials(record: KeyRecord, next: KeyRecord | undefined): void {
  const kept = new Set(next && materialsOf(next));
  for (const material of materialsOf(record)) if (!kept.has(material)) material.destroy();
}
