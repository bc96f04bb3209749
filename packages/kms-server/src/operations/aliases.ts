import type { Awaitable } from '@keywrap/provider-local/old-keys';
import { aliasNotFound, aliasTaken, findKey } from '../keys/find-key.js';
import { toSeconds } from '../keys/key-metadata.js';
import { assertState } from '../keys/key-state.js';
import type { RegionKeys } from '../keys/key-store.js';
import type { KmsKey } from '../keys/kms-key.js';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { page } from './page.js';

/** [Quota](https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html) */
const MAXIMUM_PER_KEY = 50;

/** [CreateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html) */
export async function createAlias(
  { AliasName, TargetKeyId }: RequestOf<'CreateAlias'>,
  { keys }: Region,
) {
  assertAliasName(AliasName);
  const key = await findTarget(keys, TargetKeyId);
  assertState('CreateAlias', key, keys);
  if ((await keys.getByAlias(AliasName)) !== undefined) throw aliasTaken(keys, AliasName);
  await assertRoom(keys, key);
  await keys.createAlias(AliasName, key);
}

/** [UpdateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html) */
export async function updateAlias(
  { AliasName, TargetKeyId }: RequestOf<'UpdateAlias'>,
  { keys }: Region,
) {
  assertAliasName(AliasName);
  const key = await findTarget(keys, TargetKeyId);
  const current = await keys.getByAlias(AliasName);
  if (current === undefined) throw aliasNotFound(keys, AliasName);
  assertState('UpdateAlias', key, keys);
  if (current.keyUsage !== key.keyUsage || kindOf(current) !== kindOf(key)) {
    throw validationError(
      `Alias ${keys.aliasArnOf(AliasName)} can only be associated with a key of the same type and usage.`,
    );
  }
  if (current.id !== key.id) await assertRoom(keys, key);
  await keys.updateAlias(AliasName, key);
}

/** [DeleteAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html) */
export async function deleteAlias({ AliasName }: RequestOf<'DeleteAlias'>, { keys }: Region) {
  assertAliasName(AliasName);
  await keys.deleteAlias(AliasName);
}

/** [ListAliases](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html) */
export async function listAliases(request: RequestOf<'ListAliases'>, { keys }: Region) {
  const { KeyId } = request;
  const target = KeyId === undefined ? undefined : await findKey(keys, KeyId);
  const all = await keys.listAliases();
  const aliases = target === undefined ? all : all.filter(({ keyId }) => keyId === target.id);
  const { items, members } = page(aliases, request, {
    list: 'aliases',
    nameOf: ({ alias }) => alias,
    byDefault: 50,
    maximum: 100,
  });
  return {
    Aliases: items.map(({ alias, keyId, dates }) => ({
      AliasName: alias,
      AliasArn: keys.aliasArnOf(alias),
      TargetKeyId: keyId,
      CreationDate: toSeconds(dates.created),
      LastUpdatedDate: toSeconds(dates.updated),
    })),
    ...members,
  };
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

function findTarget(keys: RegionKeys, keyId: string): Awaitable<KmsKey> {
  if (/^(arn:.*:)?alias\//.test(keyId)) {
    throw validationError('Aliases must refer to keys. Not aliases');
  }
  return findKey(keys, keyId);
}

async function assertRoom(keys: RegionKeys, { id }: KmsKey): Promise<void> {
  const count = (await keys.listAliases()).filter(({ keyId }) => keyId === id).length;
  if (count < MAXIMUM_PER_KEY) return;
  throw new KmsError('LimitExceededException', `A key has at most ${MAXIMUM_PER_KEY} aliases.`);
}

/** [UpdateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html) tells three types of keys apart. */
function kindOf({ keySpec }: KmsKey): string {
  if (keySpec === 'SYMMETRIC_DEFAULT') return 'symmetric';
  return keySpec.startsWith('HMAC_') ? 'HMAC' : 'asymmetric';
}
