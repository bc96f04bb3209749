import { isSymmetric, type KmsKey } from './kms-key.js';
import { describeMaterial, newSymmetricMaterial, withoutBytes } from './material.js';

const DAY = 24 * 60 * 60 * 1000;

/** A moment some days later. */
export function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * DAY);
}

/** Whether the waiting period of a deletion is over. */
export function isDeleted({ keyState, deletionDate }: KmsKey, now: Date): boolean {
  return keyState === 'PendingDeletion' && deletionDate !== undefined && deletionDate <= now;
}

/** Whether {@link atTime} would change the key. */
export function isStale({ keyState, materials, automaticRotation }: KmsKey, now: Date): boolean {
  if (materials.some(({ validTo }) => validTo !== undefined && validTo <= now)) return true;
  return (
    keyState === 'Enabled' && automaticRotation !== undefined && automaticRotation.nextDate <= now
  );
}

/** A key as it is at this time: expired material has gone, and automatic rotations have been made. */
export function atTime(key: KmsKey, now: Date): KmsKey {
  return withRotations(withoutExpired(key, now), now);
}

/** Without some of its imported material; without any one of them the key can't be used. */
export function withoutMaterials(key: KmsKey, ids: readonly string[]): KmsKey {
  const lost = key.materials.filter(({ id }) => ids.includes(id));
  if (lost.length === 0) return key;
  return {
    ...key,
    keyState: key.keyState === 'PendingDeletion' ? 'PendingDeletion' : 'PendingImport',
    materials: key.materials.filter((material) => !lost.includes(material)),
    missing: [...key.missing, ...lost.map(withoutBytes)],
  };
}

function withoutExpired(key: KmsKey, now: Date): KmsKey {
  const expired = key.materials.filter(({ validTo }) => validTo !== undefined && validTo <= now);
  return withoutMaterials(
    key,
    expired.map(({ id }) => id),
  );
}

/** Only enabled keys rotate; one that was disabled meanwhile catches up when it is enabled again. */
function withRotations(key: KmsKey, now: Date): KmsKey {
  let next = key;
  while (
    next.keyState === 'Enabled' &&
    isSymmetric(next) &&
    next.automaticRotation !== undefined &&
    next.automaticRotation.nextDate <= now
  ) {
    const { nextDate, periodInDays } = next.automaticRotation;
    next = {
      ...withNewMaterial(next, nextDate, 'AUTOMATIC'),
      automaticRotation: { periodInDays, nextDate: daysAfter(nextDate, periodInDays) },
    };
  }
  return next;
}

/** Rotated: new material is made, old ciphertexts still open. */
export function withNewMaterial(key: KmsKey, date: Date, type: 'AUTOMATIC' | 'ON_DEMAND'): KmsKey {
  const material = newSymmetricMaterial(key.materials.length + 1);
  const described = describeMaterial(key.id, material, { rotation: { date, type } });
  return { ...key, materials: [...key.materials, described] };
}
