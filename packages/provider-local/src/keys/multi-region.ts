import { InvalidInputError } from '@keywrap/core';
import { keyAt } from './due-changes.js';
import type { KeyMaterial } from './material.js';
import { arnOf, type KeyRecord, type KeyVersion } from './record.js';
import { assertNotPendingDeletion, replicasDeleted } from './transitions.js';

// A multi-Region key is one primary and its replicas: keys with one id in several Regions, which share
// their material and its rotation.
// https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html

/** Copies material for another key. Repeated calls return the same copy. */
export type CopyMaterial = (key: KeyRecord, version: KeyVersion) => KeyMaterial;

/** Tells whether rotating one of these keys rotates all. Imported material is imported into each separately. */
export function sharesMaterial({ primaryRegion, origin }: KeyRecord): boolean {
  return primaryRegion !== undefined && origin === 'AWS_KMS';
}

/** Returns the primary among keys with one id, for a key in this partition and account. */
export function primaryAmong(
  keys: readonly KeyRecord[],
  { scope: { partition, account } }: Pick<KeyRecord, 'scope'>,
): KeyRecord | undefined {
  return keys.find(
    ({ scope, primaryRegion }) =>
      scope.region === primaryRegion && scope.partition === partition && scope.account === account,
  );
}

/** Tells whether this is a replica of that primary. */
export function isReplicaOf(
  { scope, id, primaryRegion }: KeyRecord,
  primary: Pick<KeyRecord, 'id' | 'scope'>,
): boolean {
  return (
    id === primary.id &&
    primaryRegion === primary.scope.region &&
    scope.region !== primaryRegion &&
    scope.partition === primary.scope.partition &&
    scope.account === primary.scope.account
  );
}

/**
 * Returns a primary as of now. If it is pending replica deletion and its last replica is deleted, it is pending deletion.
 *
 * @param replicas Those that the store has, also those that are deleted by now.
 */
export function afterReplicas(
  primary: KeyRecord,
  replicas: readonly KeyRecord[],
  now: Date,
): KeyRecord {
  const isOver =
    primary.keyState === 'PendingReplicaDeletion' &&
    replicas.every((replica) => keyAt(replica, now) === undefined);
  if (!isOver) return primary;
  const dates = replicas.map(({ deletionDate }) => Number(deletionDate));
  return replicasDeleted(primary, dates.length === 0 ? now : new Date(Math.max(...dates)));
}

/** Returns a replica with everything that its primary shares; the same record if it is up to date. */
export function following(replica: KeyRecord, primary: KeyRecord, copy: CopyMaterial): KeyRecord {
  const { versions, automaticRotation } = primary;
  // A key that was created under the id of a deleted primary has different material and no replicas.
  const isBehind = replica.versions.every(
    ({ materialId }, index) => materialId === versions[index]?.materialId,
  );
  const isCurrent =
    replica.versions.length === versions.length &&
    replica.automaticRotation?.nextDate.getTime() === automaticRotation?.nextDate.getTime() &&
    replica.automaticRotation?.periodInDays === automaticRotation?.periodInDays;
  if (isCurrent || !isBehind) return replica;
  return {
    ...replica,
    automaticRotation,
    versions: versions.map(
      (version, index) =>
        replica.versions[index] ?? {
          ...version,
          material: version.material && copy(replica, version),
        },
    ),
  };
}

/**
 * Makes a new key a replica of the existing primary.
 *
 * @throws {@link InvalidInputError} if it is another kind of key, or has different imported material; {@link KeyStateError}
 * if the primary is pending deletion ([key states](https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html)).
 */
export function asReplica(key: KeyRecord, primary: KeyRecord, copy: CopyMaterial): KeyRecord {
  assertNotPendingDeletion(primary);
  const isSameKind =
    key.keySpec === primary.keySpec &&
    key.keyUsage === primary.keyUsage &&
    key.origin === primary.origin;
  if (!isSameKind) {
    throw new InvalidInputError(
      'keyId',
      `names a multi-Region key whose primary ${arnOf(primary)} is ${primary.keySpec} for ${primary.keyUsage}, of origin ${primary.origin}`,
    );
  }
  const replica = { ...key, primaryRegion: primary.primaryRegion };
  if (sharesMaterial(primary)) return following({ ...replica, versions: [] }, primary, copy);
  const isShared = ({ materialId }: KeyVersion) =>
    primary.versions.some((version) => version.materialId === materialId);
  if (key.versions.every(isShared)) return replica;
  throw new InvalidInputError('keyMaterial', `is not that of the primary ${arnOf(primary)}`);
}
