import { arnPrefix, InvalidInputError } from '@keywrap/core';
import type { StoreSource } from '@keywrap/provider-local/driver';
import { arnOf, type KeyRecord, type KeyStore } from '@keywrap/provider-local/keys';
import { isRegionName, partitionOf } from './region-name.js';

/**
 * Opens a store, and checks the account of its keys.
 *
 * @param account Twelve digits.
 * @throws InvalidInputError if it has keys of another account, or keys that no request could name, and errors
 * of opening the store.
 */
export async function openStore(source: StoreSource, account: string): Promise<KeyStore> {
  const store = await source.openStore();
  try {
    await assertAccount(store, account);
    return store;
  } catch (error) {
    if (source.ownsStore) await store.close();
    throw error;
  }
}

/** Reads one key of each partition, Region and account, however many there are. */
async function assertAccount(store: KeyStore, account: string): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const [key] = await store.listKeys({ scope: undefined, after, limit: 1 });
    if (key === undefined) return;
    assertReachable(key, account);
    // Ids have letters, digits, '-' and '_' only, which all come before '~'.
    after = `${arnPrefix(key.scope)}key/~`;
  }
}

function assertReachable(key: KeyRecord, account: string): void {
  const { scope } = key;
  if (!isRegionName(scope.region) || scope.partition !== partitionOf(scope.region)) {
    throw new InvalidInputError(
      'store',
      `holds the key ${arnOf(key)}, whose Region is not one of AWS; use another store`,
    );
  }
  if (scope.account === account) return;
  throw new InvalidInputError(
    'account',
    `is ${account}, and the store has keys of the account ${scope.account}: start with that account, or with another store`,
  );
}
