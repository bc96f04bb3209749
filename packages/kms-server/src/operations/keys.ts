import type { KeySpec } from '@keywrap/core';
import {
  deletionCancelled,
  disabled,
  enabled,
  type KeyRecord,
  pendingDeletion,
} from '@keywrap/provider-local/old-keys';
import { findKey, findKeyOrAlias } from '../keys/find-key.js';
import { keyMetadata, toSeconds } from '../keys/key-metadata.js';
import { assertState } from '../keys/key-state.js';
import { describeAlgorithms } from '../keys/key-usage.js';
import type { KmsKey, Material } from '../keys/kms-key.js';
import { newKey } from '../keys/new-key.js';
import { validationError } from '../protocol/kms-error.js';
import type { OperationName, RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { toBase64, unsupported } from './common.js';
import { page } from './page.js';

/** [CreateKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html) */
export async function createKey(request: RequestOf<'CreateKey'>, { keys }: Region) {
  const key = await newKey(request, keys.scope, keys.now());
  await keys.add(key);
  return { KeyMetadata: keyMetadata(key, keys) };
}

/** [DescribeKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html) */
export async function describeKey({ KeyId }: RequestOf<'DescribeKey'>, { keys }: Region) {
  return { KeyMetadata: keyMetadata(await findKeyOrAlias(keys, KeyId), keys) };
}

/** [GetPublicKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html) */
export async function getPublicKey({ KeyId }: RequestOf<'GetPublicKey'>, { keys }: Region) {
  const key = await findKeyOrAlias(keys, KeyId);
  const { keySpec, keyUsage } = key;
  if (!isAsymmetric(keySpec)) {
    throw unsupported(
      `${keys.arnOf(key)} key spec is ${keySpec} which is not valid for GetPublicKey.`,
    );
  }
  assertState('GetPublicKey', key, keys);
  const { publicKey } = key.materials[0] as Material;
  return {
    KeyId: keys.arnOf(key),
    PublicKey: toBase64(publicKey as Uint8Array),
    CustomerMasterKeySpec: keySpec,
    KeySpec: keySpec,
    KeyUsage: keyUsage,
    ...describeAlgorithms(key),
  };
}

/** [ListKeys](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html) */
export async function listKeys(request: RequestOf<'ListKeys'>, { keys }: Region) {
  const { items, members } = page(await keys.list(), request, {
    list: 'keys',
    nameOf: ({ id }) => id,
    byDefault: 100,
    maximum: 1000,
  });
  return { Keys: items.map((key) => ({ KeyId: key.id, KeyArn: keys.arnOf(key) })), ...members };
}

/** [UpdateKeyDescription](https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html) */
export async function updateKeyDescription(
  { KeyId, Description }: RequestOf<'UpdateKeyDescription'>,
  region: Region,
) {
  await change('UpdateKeyDescription', KeyId, region, (key) => ({
    ...key,
    description: Description,
  }));
}

/** [EnableKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html) */
export async function enableKey({ KeyId }: RequestOf<'EnableKey'>, region: Region) {
  await change('EnableKey', KeyId, region, enabled);
}

/** [DisableKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html) */
export async function disableKey({ KeyId }: RequestOf<'DisableKey'>, region: Region) {
  await change('DisableKey', KeyId, region, disabled);
}

/** [ScheduleKeyDeletion](https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html) */
export async function scheduleKeyDeletion(
  request: RequestOf<'ScheduleKeyDeletion'>,
  region: Region,
) {
  const { KeyId, PendingWindowInDays: days = 30 } = request;
  if (days < 7 || days > 30) {
    throw validationError('PendingWindowInDays must be between 7 and 30 days, inclusive.');
  }
  const key = await change('ScheduleKeyDeletion', KeyId, region, (current) =>
    pendingDeletion(current, region.keys.now(), days),
  );
  return {
    KeyId: region.keys.arnOf(key),
    DeletionDate: toSeconds(key.deletionDate as Date),
    KeyState: key.keyState,
    PendingWindowInDays: days,
  };
}

/** [CancelKeyDeletion](https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html) */
export async function cancelKeyDeletion({ KeyId }: RequestOf<'CancelKeyDeletion'>, region: Region) {
  const key = await change('CancelKeyDeletion', KeyId, region, (current) => {
    const saved = deletionCancelled(current);
    return current.missing.length === 0 ? saved : { ...saved, keyState: 'PendingImport' };
  });
  return { KeyId: region.keys.arnOf(key) };
}

async function change(
  operation: OperationName,
  keyId: string,
  { keys }: Region,
  transition: (key: KmsKey) => KeyRecord,
): Promise<KmsKey> {
  const { id } = await findKey(keys, keyId);
  return keys.change(id, (key) => {
    assertState(operation, key, keys);
    // The transitions of provider-local carry along what they don't know of.
    return transition(key) as KmsKey;
  });
}

function isAsymmetric(spec: KeySpec): boolean {
  return spec.startsWith('RSA_') || spec.startsWith('ECC_');
}
