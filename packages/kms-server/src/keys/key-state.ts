import { type KeyState, ownFields } from '@keywrap/core';
import { KmsError } from '../protocol/kms-error.js';
import type { OperationName } from '../protocol/requests.js';
import type { RegionKeys } from './key-store.js';
import type { KmsKey } from './kms-key.js';

const NOT_PENDING_DELETION: readonly KeyState[] = ['Enabled', 'Disabled', 'PendingImport'];

/**
 * The states that operations other than the cryptographic ones need; what any state allows does not ask
 * ([key states](https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html)).
 */
const STATES = ownFields<Partial<Record<OperationName, readonly KeyState[]>>>({
  CancelKeyDeletion: ['PendingDeletion'],
  CreateAlias: NOT_PENDING_DELETION,
  DeleteImportedKeyMaterial: ['Enabled', 'Disabled', 'PendingDeletion', 'PendingImport'],
  DisableKey: ['Enabled', 'Disabled'],
  EnableKey: ['Enabled', 'Disabled'],
  GetParametersForImport: NOT_PENDING_DELETION,
  ImportKeyMaterial: NOT_PENDING_DELETION,
  ScheduleKeyDeletion: NOT_PENDING_DELETION,
  TagResource: NOT_PENDING_DELETION,
  UntagResource: NOT_PENDING_DELETION,
  UpdateAlias: NOT_PENDING_DELETION,
  UpdateKeyDescription: NOT_PENDING_DELETION,
});

/** Everything else uses the key. */
const ENABLED: readonly KeyState[] = ['Enabled'];

/**
 * Refuses a key in a state in which the operation can't be done with it.
 *
 * @throws KmsError `DisabledException`, `KMSInvalidStateException`
 */
export function assertState(operation: OperationName, key: KmsKey, keys: RegionKeys): void {
  const states = STATES[operation] ?? ENABLED;
  if (states.includes(key.keyState)) return;
  const arn = keys.arnOf(key);
  if (!states.includes('Enabled')) throw invalidState(`${arn} is not pending deletion.`);
  if (key.keyState === 'Disabled') throw new KmsError('DisabledException', `${arn} is disabled.`);
  const what = key.keyState === 'PendingImport' ? 'import' : 'deletion';
  throw invalidState(`${arn} is pending ${what}.`);
}

/** What KMS answers when the state of the key does not allow it. */
export function invalidState(message: string): KmsError {
  return new KmsError('KMSInvalidStateException', message);
}
