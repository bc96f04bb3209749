import type { KeyRecord, KeyVersion } from './record.js';
import { daysAfter, rotated, withoutMaterial } from './transitions.js';

// The changes that time makes to a key. They are computed whenever a key is read, and written if possible:
// keys can be read even when the disk is full.

/** Returns the time of the next change of a key, if there is one. */
export function dueDate(key: KeyRecord): Date | undefined {
  const { keyState, deletionDate, origin, versions, automaticRotation } = key;
  // Only enabled keys rotate; a disabled one catches up when it is enabled again.
  const rotation = keyState === 'Enabled' ? automaticRotation?.nextDate : undefined;
  if (origin === 'AWS_KMS' && keyState !== 'PendingDeletion') return rotation;
  const deletion = keyState === 'PendingDeletion' ? deletionDate : undefined;
  const dates = [rotation, deletion, ...versions.map(({ validTo }) => validTo)];
  return dates.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
}

/** Returns the dates of the automatic rotations that a key has missed. */
export function rotationsDue({ keyState, automaticRotation }: KeyRecord, now: Date): Date[] {
  const dates: Date[] = [];
  if (keyState !== 'Enabled' || automaticRotation === undefined) return dates;
  const { nextDate, periodInDays } = automaticRotation;
  for (let date = nextDate; date <= now; date = daysAfter(date, periodInDays)) dates.push(date);
  return dates;
}

/**
 * Returns the key as of this time: without expired material, and rotated at each due date for which there is
 * new material.
 *
 * @returns Undefined if the key is deleted; the same record if nothing is due.
 */
export function keyAt(
  key: KeyRecord,
  now: Date,
  newVersions: readonly KeyVersion[] = [],
): KeyRecord | undefined {
  const { keyState, deletionDate } = key;
  if (keyState === 'PendingDeletion' && deletionDate !== undefined && deletionDate <= now) {
    return undefined;
  }
  let next = withoutMaterial(key, ({ validTo }) => validTo !== undefined && validTo <= now);
  const dates = rotationsDue(next, now);
  for (const [index, version] of newVersions.slice(0, dates.length).entries()) {
    const date = dates[index] as Date;
    const { periodInDays } = next.automaticRotation as NonNullable<KeyRecord['automaticRotation']>;
    next = {
      ...rotated(next, version, { date, type: 'AUTOMATIC' }),
      automaticRotation: { periodInDays, nextDate: daysAfter(date, periodInDays) },
    };
  }
  return next;
}
