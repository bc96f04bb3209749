import { InvalidInputError } from '@keywrap/core';
import type { Awaitable, KeyStore } from './key-store.js';
import { MemoryKeyStore } from './memory-key-store.js';

/** Where a store comes from. */
export interface StoreSource {
  readonly openStore: () => Awaitable<KeyStore>;
  /** Whether whoever opens the store closes it too. */
  readonly ownsStore: boolean;
}

const METHODS = [
  'readKey',
  'listKeys',
  'changeKey',
  'readAlias',
  'listAliases',
  'changeAlias',
  'close',
] as const satisfies readonly (keyof KeyStore)[];

/**
 * Reads an option that is a store, a function that opens one, or nothing for a store in memory.
 *
 * @param field What the option is called.
 * @throws {@link InvalidInputError}, also from `openStore` when its function gives no store.
 */
export function readStore(value: unknown, field: string): StoreSource {
  if (value === undefined) return { openStore: () => new MemoryKeyStore(), ownsStore: true };
  if (typeof value === 'function') {
    return { openStore: async () => checkStore(await value(), field), ownsStore: true };
  }
  const store = checkStore(value, field);
  return { openStore: () => store, ownsStore: false };
}

function checkStore(value: unknown, field: string): KeyStore {
  if (typeof value === 'object' && value !== null) {
    const store = value as Partial<KeyStore>;
    if (METHODS.every((name) => typeof store[name] === 'function')) return value as KeyStore;
  }
  throw new InvalidInputError(
    field,
    'must be a KeyStore, for example a MemoryKeyStore, or a function that opens one',
  );
}
