import {
  InvalidInputError,
  KeyDisabledError,
  KeyNotFoundError,
  type KeyState,
  KeyStateError,
  UnsupportedOperationError,
} from '@keywrap/core';
import { arnOf, type KeyRecord, type KeyVersion, newestVersion } from './record.js';

// The life cycle of a key in AWS KMS:
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
// Each function returns the next record of a key, or throws.

const DAY = 24 * 60 * 60 * 1000;

/** Adds days to a date. */
export function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * DAY);
}

export function enabled(key: KeyRecord): KeyRecord {
  assertState(key, ['Enabled', 'Disabled']);
  return { ...key, keyState: 'Enabled' };
}

export function disabled(key: KeyRecord): KeyRecord {
  assertState(key, ['Enabled', 'Disabled']);
  return { ...key, keyState: 'Disabled' };
}

/**
 * Schedules the deletion of a key. The days of a primary with replicas begin when the last of them is deleted
 * ([deleting multi-Region keys](https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-delete.html)).
 *
 * @param days 7 to 30.
 */
export function pendingDeletion(
  key: KeyRecord,
  now: Date,
  days: number,
  hasReplicas = false,
): KeyRecord {
  assertNotPendingDeletion(key);
  return hasReplicas
    ? { ...key, keyState: 'PendingReplicaDeletion', pendingWindowInDays: days }
    : { ...key, keyState: 'PendingDeletion', deletionDate: daysAfter(now, days) };
}

/** Begins the days of a primary, the last of whose replicas was deleted at this time. */
export function replicasDeleted(primary: KeyRecord, date: Date): KeyRecord {
  const deletionDate = daysAfter(date, primary.pendingWindowInDays as number);
  return { ...primary, keyState: 'PendingDeletion', deletionDate, pendingWindowInDays: undefined };
}

/** The key is then disabled, or pending import if material is missing. */
export function deletionCancelled(key: KeyRecord): KeyRecord {
  assertState(key, DELETION_STATES);
  const keyState = hasAllMaterial(key) ? 'Disabled' : 'PendingImport';
  return { ...key, keyState, deletionDate: undefined, pendingWindowInDays: undefined };
}

/** Rotates a key to new material; the previous versions still decrypt. */
export function rotated(
  key: KeyRecord,
  next: KeyVersion,
  rotation: NonNullable<KeyVersion['rotation']>,
): KeyRecord {
  assertRotatable(key);
  return withNewest(key, { ...next, rotation });
}

/**
 * Rotates a key of origin `EXTERNAL` to the material that is pending rotation.
 *
 * @throws {@link KeyStateError} if there is none.
 */
export function rotatedToPending(key: KeyRecord, date: Date): KeyRecord {
  assertState(key, ['Enabled']);
  assertSymmetric(key);
  const { pendingVersion } = key;
  if (pendingVersion === undefined) {
    throw new KeyStateError(
      `No available key material pending rotation for the key: ${arnOf(key)}`,
    );
  }
  const rotation = { date, type: 'ON_DEMAND' } as const;
  return { ...withNewest(key, { ...pendingVersion, rotation }), pendingVersion: undefined };
}

/** @throws the reason why this key can't have new material. */
export function assertRotatable(key: KeyRecord): void {
  assertSymmetric(key);
  assertOrigin(key, 'AWS_KMS');
  assertState(key, ['Enabled']);
}

/** Enables or disables automatic rotation. */
export function withAutomaticRotation(
  key: KeyRecord,
  automaticRotation: KeyRecord['automaticRotation'],
): KeyRecord {
  assertOrigin(key, 'AWS_KMS');
  assertState(key, ['Enabled']);
  assertSymmetric(key);
  return { ...key, automaticRotation };
}

/** The details of an import. */
export interface ImportDetails {
  /** By default new for the first material of a key, otherwise existing. */
  readonly importType: 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL' | undefined;
  /** The id of the expected material; any if undefined. */
  readonly materialId: string | undefined;
}

/**
 * Imports material into a key: its first, the same again or, for a symmetric key, material to rotate to
 * ([ImportKeyMaterial](https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html)).
 * Existing material is never replaced by other material.
 *
 * @throws {@link InvalidInputError} (field `keyMaterial`) if it is not the expected material.
 */
export function imported(
  key: KeyRecord,
  next: KeyVersion,
  { importType, materialId }: ImportDetails = { importType: undefined, materialId: undefined },
): KeyRecord {
  assertImportable(key);
  const { versions, pendingVersion } = key;
  if (materialId !== undefined && materialId !== next.materialId) throw otherMaterial();
  if (versions.length === 0) {
    if (importType === 'EXISTING_KEY_MATERIAL') throw otherMaterial();
    return { ...withNewest(key, next), keyState: 'Enabled' };
  }
  if (pendingVersion?.materialId === next.materialId) {
    return { ...key, pendingVersion: renewed(pendingVersion, next) };
  }
  if (versions.some((known) => known.materialId === next.materialId)) {
    const present = {
      ...key,
      versions: versions.map((known) =>
        known.materialId === next.materialId ? renewed(known, next) : known,
      ),
    };
    const isComplete = key.keyState === 'PendingImport' && hasAllMaterial(present);
    return isComplete ? { ...present, keyState: 'Enabled' } : present;
  }
  if (importType !== 'NEW_KEY_MATERIAL' || key.keySpec !== 'SYMMETRIC_DEFAULT') {
    throw otherMaterial();
  }
  if (pendingVersion !== undefined) {
    throw new KeyStateError(
      `New key material (id: ${next.materialId}) cannot be imported into KMS key ${arnOf(key)}, because another key material (id: ${pendingVersion.materialId}) is pending rotation`,
    );
  }
  return { ...key, pendingVersion: { ...next, version: versions.length + 1 } };
}

/** @throws the reason why no material can be imported into this key. */
export function assertImportable(key: KeyRecord): void {
  assertOrigin(key, 'EXTERNAL');
  assertNotPendingDeletion(key);
}

/**
 * Deletes imported material of a key, which can't be used until the same material is imported again
 * ([DeleteImportedKeyMaterial](https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html)).
 *
 * @param materialId Its id; by default that of the newest version in use.
 * @throws {@link KeyNotFoundError} if the key never had it.
 */
export function materialDeleted(
  key: KeyRecord,
  materialId = newestVersion(key)?.materialId,
): KeyRecord {
  assertOrigin(key, 'EXTERNAL');
  if (materialId === undefined) return key;
  if (key.pendingVersion?.materialId === materialId) return { ...key, pendingVersion: undefined };
  if (key.versions.every((version) => version.materialId !== materialId)) {
    throw new KeyNotFoundError(`Key material ${materialId} does not exist`);
  }
  return withoutMaterial(key, (version) => version.materialId === materialId);
}

/** Removes the material of some versions; a key with any missing can't be used. */
export function withoutMaterial(
  key: KeyRecord,
  isLost: (version: KeyVersion) => boolean,
): KeyRecord {
  const loses = (version: KeyVersion) => version.material !== undefined && isLost(version);
  if (!key.versions.some(loses)) return key;
  return {
    ...key,
    keyState: isPendingDeletion(key) ? key.keyState : 'PendingImport',
    versions: key.versions.map((version) =>
      loses(version) ? { ...version, material: undefined, validTo: undefined } : version,
    ),
  };
}

const DELETION_STATES: readonly KeyState[] = ['PendingDeletion', 'PendingReplicaDeletion'];

/** Returns true for a key that will be deleted, also if it waits for its replicas. */
export function isPendingDeletion({ keyState }: Pick<KeyRecord, 'keyState'>): boolean {
  return DELETION_STATES.includes(keyState);
}

/** @throws {@link KeyStateError} if the key is pending deletion. */
export function assertNotPendingDeletion(key: KeyRecord): void {
  assertState(key, ['Enabled', 'Disabled', 'PendingImport']);
}

const PENDING: Partial<Record<KeyState, string>> = {
  PendingImport: 'import',
  PendingDeletion: 'deletion',
  PendingReplicaDeletion: 'replica deletion',
};

/**
 * @throws {@link KeyDisabledError}, {@link KeyStateError} if the key is in none of these states. The
 * messages are those of AWS KMS.
 */
export function assertState(key: KeyRecord, states: readonly KeyState[]): void {
  if (states.includes(key.keyState)) return;
  const keyId = arnOf(key);
  if (!states.includes('Enabled')) {
    throw new KeyStateError(`${keyId} is not pending deletion`, { keyId });
  }
  if (key.keyState === 'Disabled') throw new KeyDisabledError(`${keyId} is disabled`, { keyId });
  throw new KeyStateError(`${keyId} is pending ${PENDING[key.keyState]}`, { keyId });
}

/** @throws {@link UnsupportedOperationError} unless it is a symmetric encryption key: no others rotate. */
export function assertSymmetric(key: KeyRecord): void {
  if (key.keySpec === 'SYMMETRIC_DEFAULT') return;
  throw new UnsupportedOperationError(
    `only symmetric encryption keys can be rotated; this is ${key.keySpec}`,
    { keyId: arnOf(key) },
  );
}

/** @throws {@link UnsupportedOperationError} if the material of the key is imported. */
export function assertOrigin(key: KeyRecord, origin: KeyRecord['origin']): void {
  if (key.origin === origin) return;
  const keyId = arnOf(key);
  throw new UnsupportedOperationError(
    `${keyId} origin is ${key.origin} which is not valid for this operation`,
    { keyId },
  );
}

function withNewest(key: KeyRecord, next: KeyVersion): KeyRecord {
  const version = key.versions.length + 1;
  return { ...key, versions: [...key.versions, { ...next, version }] };
}

/** Imports the same material again: restores it, or changes only its description and date. */
function renewed(known: KeyVersion, next: KeyVersion): KeyVersion {
  return {
    ...known,
    material: known.material ?? next.material,
    publicKey: known.publicKey ?? next.publicKey,
    description: next.description ?? known.description,
    validTo: next.validTo,
  };
}

function hasAllMaterial({ versions }: KeyRecord): boolean {
  return versions.length > 0 && versions.every(({ material }) => material !== undefined);
}

function otherMaterial(): InvalidInputError {
  return new InvalidInputError('keyMaterial', 'is not the key material that this key had before');
}
