import { keyAt } from './due-changes.js';
import { type KeyRecord, targetOf } from './record.js';
import type { Transaction } from './store.js';

/** Returns the key with this ARN, unless it is deleted by now. */
export function presentKey(
  transaction: Transaction,
  arn: string,
  now: Date,
): KeyRecord | undefined {
  const key = transaction.key(arn);
  return key && keyAt(key, now);
}

/** Returns the key of an alias, unless it is deleted by now: then the alias is free. */
export function presentTarget(
  transaction: Transaction,
  aliasArn: string,
  now: Date,
): KeyRecord | undefined {
  const alias = transaction.alias(aliasArn);
  return alias && presentKey(transaction, targetOf(alias), now);
}
