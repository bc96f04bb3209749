import { keyAt } from './due-changes.js';
import { type KeyRecord, targetOf } from './record.js';
import type { Transaction } from './store.js';

/** The key with this ARN, unless it is deleted by now. */
export function presentKey(
  transaction: Transaction,
  arn: string,
  now: Date,
): KeyRecord | undefined {
  const key = transaction.key(arn);
  return key && keyAt(key, now);
}

/** The key that an alias stands for, unless it is deleted by now: then the alias is free. */
export function presentTarget(
  transaction: Transaction,
  aliasArn: string,
  now: Date,
): KeyRecord | undefined {
  const alias = transaction.alias(aliasArn);
  return alias && presentKey(transaction, targetOf(alias), now);
}
