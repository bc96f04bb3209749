import { findKey } from '../keys/find-key.js';
import { toSeconds } from '../keys/key-metadata.js';
import { assertState, invalidState } from '../keys/key-state.js';
import type { RegionKeys } from '../keys/key-store.js';
import {
  currentMaterial,
  isSymmetric,
  type KmsKey,
  type MaterialDetails,
  materialHistory,
} from '../keys/kms-key.js';
import { daysAfter, withNewMaterial } from '../keys/passing-time.js';
import { KmsError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { unsupported } from './common.js';
import { page } from './page.js';

/** [RotateKeyOnDemand](https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html) says how often. */
const MAXIMUM_ON_DEMAND = 25;

/** [EnableKeyRotation](https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html) */
export function enableKeyRotation(request: RequestOf<'EnableKeyRotation'>, { keys }: Region) {
  const { KeyId, RotationPeriodInDays: periodInDays = 365 } = request;
  const { id } = findAutomatic('EnableKeyRotation', KeyId, keys);
  const nextDate = daysAfter(keys.now(), periodInDays);
  keys.change(id, (key) => ({ ...key, automaticRotation: { periodInDays, nextDate } }));
}

/** [DisableKeyRotation](https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html) */
export function disableKeyRotation({ KeyId }: RequestOf<'DisableKeyRotation'>, { keys }: Region) {
  const { id } = findAutomatic('DisableKeyRotation', KeyId, keys);
  keys.change(id, (key) => ({ ...key, automaticRotation: undefined }));
}

/** [GetKeyRotationStatus](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html) */
export function getKeyRotationStatus(
  { KeyId }: RequestOf<'GetKeyRotationStatus'>,
  { keys }: Region,
) {
  const key = findKey(keys, KeyId);
  assertRotates(key);
  const { automaticRotation, keyState } = key;
  const status = { KeyId: keys.arnOf(key) };
  // Nothing rotates while the key waits for its deletion.
  if (automaticRotation === undefined || keyState === 'PendingDeletion') {
    return { ...status, KeyRotationEnabled: false };
  }
  return {
    ...status,
    KeyRotationEnabled: true,
    RotationPeriodInDays: automaticRotation.periodInDays,
    NextRotationDate: toSeconds(automaticRotation.nextDate),
  };
}

/** [RotateKeyOnDemand](https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html) */
export function rotateKeyOnDemand({ KeyId }: RequestOf<'RotateKeyOnDemand'>, { keys }: Region) {
  const key = findKey(keys, KeyId);
  assertState('RotateKeyOnDemand', key, keys);
  assertRotates(key);
  const arn = keys.arnOf(key);
  const onDemand = materialHistory(key).filter(({ rotation }) => rotation?.type === 'ON_DEMAND');
  if (onDemand.length >= MAXIMUM_ON_DEMAND) {
    throw new KmsError(
      'LimitExceededException',
      `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${arn}`,
    );
  }
  keys.change(key.id, (current) =>
    current.origin === 'EXTERNAL'
      ? withPendingMaterial(current, keys)
      : withNewMaterial(current, keys.now(), 'ON_DEMAND'),
  );
  return { KeyId: arn };
}

/** [ListKeyRotations](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html) */
export function listKeyRotations(request: RequestOf<'ListKeyRotations'>, { keys }: Region) {
  const key = findKey(keys, request.KeyId);
  assertRotates(key);
  const history = materialHistory(key);
  const materials =
    request.IncludeKeyMaterial === 'ALL_KEY_MATERIAL'
      ? [...history, ...(key.pending === undefined ? [] : [key.pending])]
      : history.filter(({ rotation }) => rotation !== undefined);
  const { items, members } = page(materials, request, {
    list: 'rotations',
    nameOf: ({ version }) => String(version).padStart(10, '0'),
    byDefault: 100,
    maximum: 1000,
  });
  return { Rotations: items.map((material) => describeRotation(key, material)), ...members };
}

/** [RotationsListEntry](https://docs.aws.amazon.com/kms/latest/APIReference/API_RotationsListEntry.html) */
function describeRotation(key: KmsKey, material: MaterialDetails): object {
  const { id, rotation } = material;
  return {
    KeyId: key.id,
    KeyMaterialId: id,
    ...(key.origin === 'EXTERNAL' && describeImport(key, material)),
    KeyMaterialState:
      id === key.pending?.id
        ? 'PENDING_ROTATION'
        : id === currentMaterial(key)?.id
          ? 'CURRENT'
          : 'NON_CURRENT',
    ...(rotation && { RotationDate: toSeconds(rotation.date), RotationType: rotation.type }),
  };
}

function describeImport(
  { missing }: KmsKey,
  { id, description, validTo }: MaterialDetails,
): object {
  const isMissing = missing.some((material) => material.id === id);
  return {
    KeyMaterialDescription: description,
    ImportState: isMissing ? 'PENDING_IMPORT' : 'IMPORTED',
    ...(!isMissing && {
      ExpirationModel:
        validTo === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES',
    }),
    ...(validTo && { ValidTo: toSeconds(validTo) }),
  };
}

function withPendingMaterial(key: KmsKey, keys: RegionKeys): KmsKey {
  if (key.pending === undefined) {
    throw invalidState(
      `No available key material pending rotation for the key: ${keys.arnOf(key)}.`,
    );
  }
  const rotation = { date: keys.now(), type: 'ON_DEMAND' } as const;
  return {
    ...key,
    materials: [...key.materials, { ...key.pending, rotation }],
    pending: undefined,
  };
}

function findAutomatic(
  operation: 'EnableKeyRotation' | 'DisableKeyRotation',
  keyId: string,
  keys: RegionKeys,
): KmsKey {
  const key = findKey(keys, keyId);
  if (key.origin !== 'AWS_KMS') {
    throw unsupported(
      `${keys.arnOf(key)} origin is ${key.origin} which is not valid for this operation.`,
    );
  }
  assertState(operation, key, keys);
  assertRotates(key);
  return key;
}

function assertRotates(key: KmsKey): void {
  if (!isSymmetric(key)) throw unsupported();
}
