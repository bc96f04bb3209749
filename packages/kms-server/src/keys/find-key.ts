import { type ParsedKeyId, parseKeyId } from '@keywrap/core';
import { type Awaitable, andThen } from '@keywrap/provider-local/old-keys';
import { KmsError } from '../protocol/kms-error.js';
import type { RegionKeys } from './key-store.js';
import type { KmsKey } from './kms-key.js';

// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id

/** A key id as KMS makes them: a UUID, or the 32 digits of a multi-Region key. */
const KEY_ID = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/i;

/**
 * Finds the key for an operation that takes a key id or key ARN, but no alias: those that change keys.
 *
 * @throws KmsError `NotFoundException`, `InvalidArnException`
 */
export function findKey(keys: RegionKeys, keyId: string): Awaitable<KmsKey> {
  const name = parseName(keyId);
  if (name.kind === 'alias-name') throw invalidKeyId(keyId);
  if (name.kind === 'alias-arn') throw invalidArn(keyId);
  return find(keys, name, keyId);
}

/**
 * Finds the key for an operation that takes all four forms: those that use keys.
 *
 * @throws KmsError `NotFoundException`, `InvalidArnException`
 */
export function findKeyOrAlias(keys: RegionKeys, keyId: string): Awaitable<KmsKey> {
  return find(keys, parseName(keyId), keyId);
}

/** What KMS says of an alias that is there already. */
export function aliasTaken(keys: RegionKeys, alias: string): KmsError {
  const arn = keys.aliasArnOf(alias);
  return new KmsError('AlreadyExistsException', `An alias with the name ${arn} already exists`);
}

/** What KMS says of an alias that is not there. */
export function aliasNotFound(keys: RegionKeys, alias: string): KmsError {
  return notFound(`Alias ${keys.aliasArnOf(alias)} is not found.`);
}

function find(keys: RegionKeys, name: ParsedKeyId, keyId: string): Awaitable<KmsKey> {
  if ('region' in name) {
    const { partition, region, account } = keys.scope;
    if (name.region !== region) throw notFound(`Invalid arn ${name.region}`);
    if (name.partition !== partition || name.account !== account) throw unknownName(name, keyId);
  }
  if ('alias' in name) {
    return andThen(keys.getByAlias(name.alias), (key) => {
      if (key === undefined) throw unknownName(name, keys.aliasArnOf(name.alias));
      return key;
    });
  }
  return andThen(keys.get(name.id), (key) => {
    if (key !== undefined) return key;
    if (name.kind === 'key-id' && !KEY_ID.test(keyId)) throw invalidKeyId(keyId);
    throw unknownName(name, keys.arnOf(name));
  });
}

function parseName(keyId: string): ParsedKeyId {
  try {
    return parseKeyId(keyId);
  } catch {
    throw keyId.startsWith('arn:') ? invalidArn(keyId) : invalidKeyId(keyId);
  }
}

function unknownName(name: ParsedKeyId, arn: string): KmsError {
  return notFound('alias' in name ? `Alias ${arn} is not found.` : `Key '${arn}' does not exist`);
}

function invalidKeyId(keyId: string): KmsError {
  return notFound(`Invalid keyId '${keyId}'`);
}

function invalidArn(arn: string): KmsError {
  return new KmsError('InvalidArnException', `Invalid arn ${arn}`);
}

function notFound(message: string): KmsError {
  return new KmsError('NotFoundException', message);
}
