import { ownFields, UnsupportedOperationError } from '@keywrap/core';
import type { KeyRecord, MaterialVersion } from '@keywrap/provider-local/old-keys';
import { type KmsKey, type Material, type MaterialDetails, UNSET } from './kms-key.js';

/** The version of {@link StoredDetails}. */
const FORMAT = 1;

/** What a store keeps of a key for this server alone: JSON, in the `details` of the record. */
interface StoredDetails
  extends Pick<KmsKey, 'multiRegion' | 'tags' | 'policy' | 'automaticRotation' | 'aliasDates'> {
  readonly kms: typeof FORMAT;
  /** Of all generations: in use, missing, and pending. */
  readonly materials: readonly MaterialDetails[];
}

/** The dates in it, which JSON has as text. All other names that an object may have are fixed, or aliases. */
const DATES: ReadonlySet<string> = new Set(['date', 'validTo', 'nextDate', 'created', 'updated']);

/**
 * The record that a store keeps of a key.
 *
 * @param name What the store calls the key.
 */
export function toRecord(key: KmsKey, name: string): KeyRecord {
  const { multiRegion, tags, policy, automaticRotation, aliasDates, missing, ...rest } = key;
  const { materials, pendingMaterial } = key;
  const known = [...materials, ...missing, ...(pendingMaterial ? [pendingMaterial] : [])];
  const details: StoredDetails = {
    kms: FORMAT,
    materials: known.map(detailsOf),
    multiRegion,
    tags,
    policy,
    automaticRotation,
    aliasDates,
  };
  return {
    ...rest,
    id: name,
    materials: materials.map(versionOf),
    pendingMaterial: pendingMaterial && versionOf(pendingMaterial),
    details: JSON.stringify(details),
  };
}

/**
 * The key that a store keeps as this record.
 *
 * @param id What the server calls the key.
 * @throws UnsupportedOperationError when another program, or a newer release, wrote it.
 */
export function toKmsKey(record: KeyRecord, id: string): KmsKey {
  const { details: text, materials, pendingMaterial, keyState, ...rest } = ownFields(record);
  const { kms: _, materials: stored, ...details } = readDetails(text, record.id);
  const known = stored.map(detailsOf);
  const withDetails = (version: MaterialVersion): Material => ({
    ...(known.find((candidate) => candidate.version === version.version) as MaterialDetails),
    ...version,
  });
  const present = new Set([...materials, pendingMaterial].map((version) => version?.version));
  const missing = known.filter(({ version }) => !present.has(version));
  // keywrap-store saves a key from its deletion without knowing that material of it is missing.
  const isIncomplete = missing.length > 0 && keyState !== 'PendingDeletion';
  return {
    ...UNSET,
    ...rest,
    ...details,
    id,
    keyState: isIncomplete ? 'PendingImport' : keyState,
    materials: materials.map(withDetails),
    missing,
    ...(pendingMaterial && { pendingMaterial: withDetails(pendingMaterial) }),
  };
}

function readDetails(text: string | undefined, name: string): StoredDetails {
  const details = text === undefined ? undefined : parse(text);
  if (details?.kms === FORMAT) return details as StoredDetails;
  const isNewer = typeof details?.kms === 'number';
  throw new UnsupportedOperationError(
    isNewer
      ? `a newer release of keywrap-kms wrote the key ${name}; use that release`
      : `the store holds the key ${name}, which keywrap-kms did not make; use another store`,
  );
}

function parse(text: string): { readonly kms?: unknown } | undefined {
  try {
    return JSON.parse(text, (name, value) => (DATES.has(name) ? new Date(value) : value));
  } catch {
    return undefined;
  }
}

function detailsOf(of: MaterialDetails): MaterialDetails {
  const { id, version, rotation, description, validTo } = ownFields(of);
  return { id, version, rotation, description, validTo };
}

function versionOf(of: Material): MaterialVersion {
  const { version, material, publicKey } = ownFields(of);
  return { version, material, publicKey };
}
