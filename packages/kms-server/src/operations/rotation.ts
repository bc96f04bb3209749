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
export async function enableKeyRotation(request: RequestOf<'EnableKeyRotation'>, { keys }: Region) {
  const { KeyId, RotationPeriodInDays: periodInDays = 365 } = request;
  const nextDate = daysAfter(keys.now(), periodInDays);
  await setAutomatic('EnableKeyRotation', KeyId, keys, { periodInDays, nextDate });
}

/** [DisableKeyRotation](https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html) */
export async function disableKeyRotation(
  { KeyId }: RequestOf<'DisableKeyRotation'>,
  { keys }: Region,
) {
  await setAutomatic('DisableKeyRotation', KeyId, keys, undefined);
}

/** [GetKeyRotationStatus](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html) */
export async function getKeyRotationStatus(
  { KeyId }: RequestOf<'GetKeyRotationStatus'>,
  { keys }: Region,
) {
  const key = await findKey(keys, KeyId);
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
export async function rotateKeyOnDemand(
  { KeyId }: RequestOf<'RotateKeyOnDemand'>,
  { keys }: Region,
) {
  const { id } = await findKey(keys, KeyId);
  await keys.change(id, (key) => rotatedOnDemand(key, keys));
  return { KeyId: keys.arnOf({ id }) };
}

function rotatedOnDemand(key: KmsKey, keys: RegionKeys): KmsKey {
  assertState('RotateKeyOnDemand', key, keys);
  assertRotates(key);
  const onDemand = materialHistory(key).filter(({ rotation }) => rotation?.type === 'ON_DEMAND');
  if (onDemand.length >= MAXIMUM_ON_DEMAND) {
    throw new KmsError(
      'LimitExceededException',
      `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${keys.arnOf(key)}`,
    );
  }
  return key.origin === 'EXTERNAL'
    ? withPendingMaterial(key, keys)
    : withNewMaterial(key, keys.now(), 'ON_DEMAND');
}

/** [ListKeyRotations](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html) */
export async function listKeyRotations(request: RequestOf<'ListKeyRotations'>, { keys }: Region) {
  const key = await findKey(keys, request.KeyId);
  assertRotates(key);
  const history = materialHistory(key);
  const materials =
    request.IncludeKeyMaterial === 'ALL_KEY_MATERIAL'
      ? [...history, ...(key.pendingMaterial === undefined ? [] : [key.pendingMaterial])]
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
      id === key.pendingMaterial?.id
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
  const { pendingMaterial } = key;
  if (pendingMaterial === undefined) {
    throw invalidState(
      `No available key material pending rotation for the key: ${keys.arnOf(key)}.`,
    );
  }
  const rotation = { date: keys.now(), type: 'ON_DEMAND' } as const;
  return {
    ...key,
    materials: [...key.materials, { ...pendingMaterial, rotation }],
    pendingMaterial: undefined,
  };
}

async function setAutomatic(
  operation: 'EnableKeyRotation' | 'DisableKeyRotation',
  keyId: string,
  keys: RegionKeys,
  automaticRotation: KmsKey['automaticRotation'],
): Promise<void> {
  const { id } = await findKey(keys, keyId);
  await keys.change(id, (key) => {
    if (key.origin !== 'AWS_KMS') {
      throw unsupported(
        `${keys.arnOf(key)} origin is ${key.origin} which is not valid for this operation.`,
      );
    }
    assertState(operation, key, keys);
    assertRotates(key);
    return { ...key, automaticRotation };
  });
}

function assertRotates(key: KmsKey): void {
  if (!isSymmetric(key)) throw unsupported();
}
