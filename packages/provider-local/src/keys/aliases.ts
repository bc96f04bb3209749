import { InvalidInputError, KeyNotFoundError, type KeySpec, ThrottledError } from '@keywrap/core';
import { presentKey, presentTarget } from './in-transaction.js';
import type { Keys } from './keys.js';
import { type AliasRecord, arnOf, type KeyRecord } from './record.js';
import type { Transaction } from './store.js';
import { assertNotPendingDeletion } from './transitions.js';

/** [Quota](https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html#aliases-per-key) */
const MAXIMUM_PER_KEY = 50;

/**
 * Creates an alias. The name is free if its previous key was deleted.
 *
 * @throws {@link InvalidInputError} (field `alias`) if the alias exists, {@link KeyStateError} if the key is
 * pending deletion, {@link ThrottledError} if it has 50 aliases, {@link KeyNotFoundError} if it was deleted
 * meanwhile.
 */
export function createAlias(keys: Keys, alias: string, key: KeyRecord): Promise<AliasRecord> {
  return changeAlias(keys, alias, key, (transaction, target, now) => {
    if (presentTarget(transaction, keys.aliasArnOf(alias), now) !== undefined) throw aliasTaken();
    assertNotPendingDeletion(target);
    assertRoom(transaction, target);
    const { scope, id: keyId } = target;
    return { scope, alias, keyId, creationDate: now, lastUpdatedDate: now };
  });
}

/**
 * Points an alias to another key of the same kind and usage
 * ([UpdateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html)).
 *
 * @throws {@link InvalidInputError} (field `keyId`) if it is of another kind, and as {@link createAlias}.
 */
export function updateAlias(keys: Keys, alias: string, key: KeyRecord): Promise<AliasRecord> {
  return changeAlias(keys, alias, key, (transaction, target, now) => {
    const arn = keys.aliasArnOf(alias);
    const current = transaction.alias(arn);
    const previous = presentTarget(transaction, arn, now);
    if (current === undefined || previous === undefined) throw noSuchAlias(arn);
    assertNotPendingDeletion(target);
    assertSameKind(previous, target);
    if (previous.id !== target.id) assertRoom(transaction, target);
    return { ...current, keyId: target.id, lastUpdatedDate: now };
  });
}

/** @throws {@link KeyNotFoundError} if the alias does not exist. */
export async function deleteAlias(keys: Keys, alias: string): Promise<void> {
  const arn = keys.aliasArnOf(alias);
  const now = keys.now();
  const wasThere = await keys.store.change({ keys: [], aliases: [arn], ids: [] }, (transaction) => {
    const target = presentTarget(transaction, arn, now);
    if (transaction.alias(arn) !== undefined) transaction.removeAlias(arn);
    return target !== undefined;
  });
  if (!wasThere) throw noSuchAlias(arn);
}

/** Makes the error for an alias that already exists. */
export function aliasTaken(): InvalidInputError {
  return new InvalidInputError('alias', 'already exists; update it, or choose another name');
}

function changeAlias(
  keys: Keys,
  alias: string,
  key: KeyRecord,
  next: (transaction: Transaction, target: KeyRecord, now: Date) => AliasRecord,
): Promise<AliasRecord> {
  const keyArn = arnOf(key);
  const now = keys.now();
  const names = { keys: [keyArn], aliases: [keys.aliasArnOf(alias)], ids: [] };
  return keys.store.change(names, (transaction) => {
    const target = presentKey(transaction, keyArn, now);
    if (target === undefined) {
      throw new KeyNotFoundError('the key was deleted meanwhile', { keyId: keyArn });
    }
    const record = next(transaction, target, now);
    transaction.putAlias(record);
    return record;
  });
}

function assertRoom(transaction: Transaction, key: KeyRecord): void {
  if (transaction.aliasesOf(arnOf(key)).length < MAXIMUM_PER_KEY) return;
  throw new ThrottledError(
    `a key has at most ${MAXIMUM_PER_KEY} aliases: delete one, or use another key`,
    { keyId: arnOf(key) },
  );
}

function assertSameKind(old: KeyRecord, key: KeyRecord): void {
  if (old.keyUsage === key.keyUsage && kindOf(old.keySpec) === kindOf(key.keySpec)) return;
  throw new InvalidInputError(
    'keyId',
    `names a key of another kind (${key.keySpec} for ${key.keyUsage}) than the alias's current key (${old.keySpec} for ${old.keyUsage})`,
  );
}

/** UpdateAlias tells three kinds of key apart. */
function kindOf(keySpec: KeySpec): string {
  if (keySpec === 'SYMMETRIC_DEFAULT') return 'symmetric';
  return keySpec.startsWith('HMAC_') ? 'HMAC' : 'asymmetric';
}

function noSuchAlias(arn: string): KeyNotFoundError {
  return new KeyNotFoundError('the alias does not exist', { keyId: arn });
}
