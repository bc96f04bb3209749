import { algorithmsOf, type KeyName, type KeyUsage, parseKeyId } from '@keywrap/core';
import { arnOf, assertState, type KeyRecord, type Keys } from '@keywrap/provider-local/keys';
import { KmsError } from '../protocol/kms-error.js';

// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id

/** A key id as KMS makes them: a UUID, or the 32 digits of a multi-Region key. */
const KEY_ID = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/i;

/** A cryptographic operation, with the usage and algorithm that it needs. */
export interface Use {
  /** As KMS names it in messages; ReEncrypt names its two sides differently. */
  readonly operation: string;
  readonly usage: KeyUsage;
  readonly algorithm: string;
}

/**
 * Finds the key for an operation that accepts a key id or key ARN, but no alias: those that change keys.
 *
 * @throws KmsError `NotFoundException`, `InvalidArnException`, `AccessDeniedException`
 */
export async function findKey(keys: Keys, keyId: string): Promise<KeyRecord> {
  const name = parseName(keyId);
  if (name.kind === 'alias-name') throw invalidKeyId(keyId);
  if (name.kind === 'alias-arn') throw invalidArn(keyId);
  return keys.peek(name) ?? (await load(keys, name));
}

/**
 * Finds the key for an operation that accepts all four forms.
 *
 * @throws KmsError `NotFoundException`, `InvalidArnException`, `AccessDeniedException`
 */
export async function findKeyOrAlias(keys: Keys, keyId: string): Promise<KeyRecord> {
  const name = parseName(keyId);
  return keys.peek(name) ?? (await load(keys, name));
}

/**
 * Finds the key for a cryptographic operation, and checks that the key supports it and is enabled.
 *
 * @throws KmsError `NotFoundException`, `InvalidArnException`, `AccessDeniedException`, and as {@link assertUsable}.
 */
export async function usableKey(keys: Keys, keyId: string, use: Use): Promise<KeyRecord> {
  const name = parseName(keyId);
  const key = keys.peek(name) ?? (await load(keys, name));
  assertUsable(key, use);
  return key;
}

/** @throws KmsError `InvalidKeyUsageException`; KeyDisabledError, KeyStateError */
export function assertUsable(key: KeyRecord, { operation, usage, algorithm }: Use): void {
  const { keySpec, keyUsage } = key;
  if (keyUsage !== usage) {
    throw invalidKeyUsage(
      `${arnOf(key)} key usage is ${keyUsage} which is not valid for ${operation}.`,
    );
  }
  if (!algorithmsOf(keySpec, keyUsage).includes(algorithm)) {
    throw invalidKeyUsage(`Algorithm ${algorithm} is incompatible with key spec ${keySpec}.`);
  }
  assertState(key, ['Enabled']);
}

async function load(keys: Keys, name: KeyName): Promise<KeyRecord> {
  const key = await keys.load(name);
  if (key === undefined) throw missing(keys, name);
  return key;
}

function missing(keys: Keys, name: KeyName): KmsError {
  if ('region' in name && name.region !== keys.scope.region) {
    return notFound(`Invalid arn ${name.region}`);
  }
  const isHere = keys.isHere(name);
  if ('account' in name && name.account !== keys.scope.account) return otherAccount(keys, name);
  if ('alias' in name) {
    return notFound(`Alias ${isHere ? keys.aliasArnOf(name.alias) : name.text} is not found.`);
  }
  if (name.kind === 'key-id' && !KEY_ID.test(name.id)) return invalidKeyId(name.text);
  return notFound(`Key '${isHere ? keys.arnOf(name.id) : name.text}' does not exist`);
}

/** As AWS KMS answers unless a key policy of that account allows the use. */
function otherAccount({ scope }: Keys, { text }: KeyName): KmsError {
  return new KmsError(
    'AccessDeniedException',
    `The account ${scope.account} is not authorized to use ${text} because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
  );
}

function parseName(keyId: string): KeyName {
  try {
    return parseKeyId(keyId);
  } catch {
    throw keyId.startsWith('arn:') ? invalidArn(keyId) : invalidKeyId(keyId);
  }
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

function invalidKeyUsage(message: string): KmsError {
  return new KmsError('InvalidKeyUsageException', message);
}
