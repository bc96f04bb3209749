import {
  assertKeyEnabled,
  InvalidInputError,
  KeyStateError,
  type KeyWrapError,
  UnsupportedOperationError,
} from '@keywrap/core';
import { equalSecrets } from '../keys/equal-secrets.js';
import type { KeyRecord, MaterialVersion } from './key-record.js';

// The life of a key, as AWS KMS has it:
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
// Each function makes the next record of the current one, or throws and nothing has changed.

const DAY = 24 * 60 * 60 * 1000;

export function enabled(key: KeyRecord): KeyRecord {
  if (key.keyState !== 'Enabled' && key.keyState !== 'Disabled') throw wrongState(key, 'enabled');
  return { ...key, keyState: 'Enabled' };
}

export function disabled(key: KeyRecord): KeyRecord {
  if (key.keyState !== 'Enabled' && key.keyState !== 'Disabled') throw wrongState(key, 'disabled');
  return { ...key, keyState: 'Disabled' };
}

/** @param days 7 to 30. */
export function pendingDeletion(key: KeyRecord, now: Date, days: number): KeyRecord {
  if (key.keyState === 'PendingDeletion') throw wrongState(key, 'scheduled for deletion');
  const deletionDate = new Date(now.getTime() + days * DAY);
  return { ...key, keyState: 'PendingDeletion', deletionDate };
}

export function deletionCancelled(key: KeyRecord): KeyRecord {
  if (key.keyState !== 'PendingDeletion') {
    throw wrongState(key, 'saved from a deletion that is not scheduled');
  }
  const { deletionDate: _, ...kept } = key;
  return { ...kept, keyState: key.materials.length === 0 ? 'PendingImport' : 'Disabled' };
}

export function rotated(key: KeyRecord, material: MaterialVersion): KeyRecord {
  assertRotatable(key);
  const version = key.materials.length + 1;
  return { ...key, materials: [...key.materials, { ...material, version }] };
}

/** @throws the reason why new material can't be made for this key. */
export function assertRotatable(key: KeyRecord): void {
  if (key.keySpec !== 'SYMMETRIC_DEFAULT' || key.origin !== 'AWS_KMS') {
    throw new UnsupportedOperationError(
      `only symmetric keys whose material was made here can be rotated; this is ${key.keySpec} of origin ${key.origin}`,
    );
  }
  assertKeyEnabled({ ...key, keyId: undefined });
}

/** The same material may be imported again, as in AWS KMS; other material never replaces it. */
export function imported(key: KeyRecord, next: MaterialVersion): KeyRecord {
  assertImportable(key);
  const [current] = key.materials;
  if (current !== undefined && !equalSecrets(current.material, next.material)) {
    throw new InvalidInputError('keyMaterial', 'is not the key material that this key had before');
  }
  if (current !== undefined) return key;
  return { ...key, keyState: 'Enabled', materials: [next] };
}

/** @throws the reason why no material can be imported for this key. */
export function assertImportable(key: KeyRecord): void {
  if (key.origin !== 'EXTERNAL') {
    throw new UnsupportedOperationError('only a key of origin EXTERNAL takes key material');
  }
  if (key.keyState === 'PendingDeletion') throw wrongState(key, 'given key material');
}

function wrongState(key: KeyRecord, what: string): KeyWrapError {
  return new KeyStateError(`a key can't be ${what} while its state is ${key.keyState}`);
}
