import { InvalidInputError } from '@keywrap/core';
import {
  type AliasRecord,
  aliasArnOf,
  createAlias,
  deleteAlias,
  type KeyRecord,
  type Keys,
  updateAlias,
} from '@keywrap/provider-local/keys';
import { findKey } from '../keys/find-key.js';
import { toSeconds } from '../keys/key-metadata.js';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { page } from './page.js';

/** [CreateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html) */
export async function CreateAlias(request: RequestOf<'CreateAlias'>, { keys }: Region) {
  await pointAlias(request, keys, createAlias);
}

/** [UpdateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html) */
export async function UpdateAlias(request: RequestOf<'UpdateAlias'>, { keys }: Region) {
  await pointAlias(request, keys, updateAlias);
}

/** [DeleteAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html) */
export async function DeleteAlias({ AliasName }: RequestOf<'DeleteAlias'>, { keys }: Region) {
  assertAliasName(AliasName);
  await deleteAlias(keys, AliasName);
}

/** [ListAliases](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html) */
export async function ListAliases(request: RequestOf<'ListAliases'>, { keys }: Region) {
  const { KeyId } = request;
  const target = KeyId === undefined ? undefined : await findKey(keys, KeyId);
  const { items, members } = await page(request, {
    name: 'aliases',
    nameOf: ({ alias }: AliasRecord) => alias,
    byDefault: 50,
    maximum: 100,
    read: (after, limit) =>
      keys.listAliases({ after: after && keys.aliasArnOf(after), limit }, target),
  });
  return { Aliases: items.map(describeAlias), ...members };
}

/** [AliasListEntry](https://docs.aws.amazon.com/kms/latest/APIReference/API_AliasListEntry.html) */
function describeAlias(record: AliasRecord): object {
  return {
    AliasName: record.alias,
    AliasArn: aliasArnOf(record),
    TargetKeyId: record.keyId,
    CreationDate: toSeconds(record.creationDate),
    LastUpdatedDate: toSeconds(record.lastUpdatedDate),
  };
}

async function pointAlias(
  { AliasName, TargetKeyId }: RequestOf<'CreateAlias'>,
  keys: Keys,
  point: typeof createAlias,
): Promise<void> {
  assertAliasName(AliasName);
  const key = await findTarget(keys, TargetKeyId);
  try {
    await point(keys, AliasName, key);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const arn = keys.aliasArnOf(AliasName);
    throw error.field === 'alias'
      ? new KmsError('AlreadyExistsException', `An alias with the name ${arn} already exists`)
      : validationError(
          `Alias ${arn} can only be associated with a key of the same type and usage.`,
        );
  }
}

function assertAliasName(name: string): void {
  if (!name.startsWith('alias/')) {
    throw validationError(
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
  }
  if (name.startsWith('alias/aws/')) throw new KmsError('NotAuthorizedException');
  if (!/^alias\/[a-zA-Z0-9/_-]+$/.test(name)) {
    throw validationError(`${name} contains invalid characters for an alias`);
  }
}

function findTarget(keys: Keys, keyId: string): Promise<KeyRecord> {
  if (/^(arn:.*:)?alias\//.test(keyId)) {
    throw validationError('Aliases must refer to keys. Not aliases');
  }
  return findKey(keys, keyId);
}
