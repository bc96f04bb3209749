import { randomUUID } from 'node:crypto';
import type { Database, Dialect, DialectOptions, Script } from './dialect.js';
import { sqlite } from './dialects/sqlite.js';
import { DamagedStoreError } from './errors.js';
import { Rows, readStoreRow, type StoreRow } from './rows.js';
import { createTables, selectStore } from './schema.js';
import { RowSeal } from './seal.js';
import { type ScryptCost, StoreKey, type StoreProtection } from './store-key.js';

/** What a new store is made with. */
interface NewStore extends DialectOptions {
  readonly location: string;
  readonly protectedBy: StoreProtection;
  readonly scrypt?: ScryptCost | undefined;
}

/** The kind of database that a location names. */
export function dialectOf(_location: string): Dialect {
  return sqlite;
}

/** Makes an empty store, with a new key. */
export async function createStore(dialect: Dialect, options: NewStore): Promise<void> {
  const { location, protectedBy, scrypt } = options;
  const storeId = randomUUID();
  const storeKey = StoreKey.generate(storeId);
  try {
    const protection = JSON.stringify(await storeKey.wrap(storeId, protectedBy, scrypt));
    await dialect.create(location, options, function* (database) {
      const tables = createTables(dialect.types).map((sql) => ({ sql, parameters: [] }));
      yield [...tables, rowsOf(database, storeId, storeKey).newStore(storeId, protection)];
    });
  } finally {
    storeKey.destroy();
  }
}

export function rowsOf(
  { location }: Pick<Database, 'location'>,
  storeId: string,
  { rows, rowSet }: StoreKey,
): Rows {
  return new Rows(location, new RowSeal(storeId, rows, rowSet));
}

/** Reads the store's row, before there is a key to check it with. */
export function* readProtection(location: string): Script<StoreRow> {
  const [rows] = yield [selectStore()];
  return readStoreRow(location, rows);
}

export function parseProtection(location: string, protection: string): unknown {
  try {
    return JSON.parse(protection);
  } catch {
    throw new DamagedStoreError(location, 'has a damaged store row: its protection is not JSON');
  }
}
