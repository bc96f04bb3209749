import { isDataKeyPairSpec } from '@keywrap/core';
import {
  arnOf,
  assertNotPendingDeletion,
  assertState,
  deletionCancelled,
  disabled,
  enabled,
  type KeyRecord,
  newestVersion,
  pendingDeletion,
} from '@keywrap/provider-local/keys';
import { findKey, findKeyOrAlias } from '../keys/find-key.js';
import { algorithmsMember, keyMetadata, toSeconds } from '../keys/key-metadata.js';
import { validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { toBase64, unsupported } from './members.js';
import { page } from './page.js';

/** [DescribeKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html) */
export async function DescribeKey({ KeyId }: RequestOf<'DescribeKey'>, { keys }: Region) {
  return { KeyMetadata: await keyMetadata(await findKeyOrAlias(keys, KeyId), keys) };
}

/** [GetPublicKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html) */
export async function GetPublicKey({ KeyId }: RequestOf<'GetPublicKey'>, { keys }: Region) {
  const key = await findKeyOrAlias(keys, KeyId);
  const { keySpec, keyUsage } = key;
  if (!isDataKeyPairSpec(keySpec)) {
    throw unsupported(`${arnOf(key)} key spec is ${keySpec} which is not valid for GetPublicKey.`);
  }
  assertState(key, ['Enabled']);
  return {
    KeyId: arnOf(key),
    PublicKey: toBase64(newestVersion(key)?.publicKey as Uint8Array),
    CustomerMasterKeySpec: keySpec,
    KeySpec: keySpec,
    KeyUsage: keyUsage,
    ...algorithmsMember(key),
  };
}

/** Older SDKs have no `ResourceOwners`. */
type ListKeysRequest = RequestOf<'ListKeys'> & { readonly ResourceOwners?: readonly string[] };

/** [ListKeys](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html). No other account shares keys. */
export async function ListKeys(request: ListKeysRequest, { keys }: Region) {
  const { ResourceOwners = ['SELF'] } = request;
  const listsOwn = ResourceOwners.includes('SELF');
  const { items, members } = await page(request, {
    name: 'keys',
    nameOf: ({ id }: KeyRecord) => id,
    byDefault: 100,
    maximum: 1000,
    read: (after, limit) =>
      listsOwn ? keys.list({ after: after && keys.arnOf(after), limit }) : [],
  });
  return { Keys: items.map((key) => ({ KeyId: key.id, KeyArn: arnOf(key) })), ...members };
}

/** [UpdateKeyDescription](https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html) */
export async function UpdateKeyDescription(
  { KeyId, Description: description }: RequestOf<'UpdateKeyDescription'>,
  { keys }: Region,
) {
  await keys.change(await findKey(keys, KeyId), (key) => {
    assertNotPendingDeletion(key);
    return { ...key, description };
  });
}

/** [EnableKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html) */
export async function EnableKey({ KeyId }: RequestOf<'EnableKey'>, { keys }: Region) {
  await keys.change(await findKey(keys, KeyId), enabled);
}

/** [DisableKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html) */
export async function DisableKey({ KeyId }: RequestOf<'DisableKey'>, { keys }: Region) {
  await keys.change(await findKey(keys, KeyId), disabled);
}

/** [ScheduleKeyDeletion](https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html) */
export async function ScheduleKeyDeletion(
  { KeyId, PendingWindowInDays = 30 }: RequestOf<'ScheduleKeyDeletion'>,
  { keys }: Region,
) {
  if (PendingWindowInDays < 7 || PendingWindowInDays > 30) {
    throw validationError('PendingWindowInDays must be between 7 and 30 days, inclusive.');
  }
  const key = await keys.change(await findKey(keys, KeyId), (current, hasReplicas) =>
    pendingDeletion(current, keys.now(), PendingWindowInDays, hasReplicas),
  );
  return {
    KeyId: arnOf(key),
    DeletionDate: key.deletionDate && toSeconds(key.deletionDate),
    KeyState: key.keyState,
    PendingWindowInDays,
  };
}

/** [CancelKeyDeletion](https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html) */
export async function CancelKeyDeletion(
  { KeyId }: RequestOf<'CancelKeyDeletion'>,
  { keys }: Region,
) {
  return { KeyId: arnOf(await keys.change(await findKey(keys, KeyId), deletionCancelled)) };
}
