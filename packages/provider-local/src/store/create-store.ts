import { randomUUID } from 'node:crypto';
import type { AliasRecord, KeyRecord } from '../keys/record.js';
import type { Database, Dialect, DialectOptions, Script, Statement } from './dialect.js';
import { postgres } from './dialects/postgres.js';
import { sqlite } from './dialects/sqlite.js';
import { DamagedStoreError } from './errors.js';
import type { ScryptCost } from './protection/passphrase.js';
import { createProtection, type StoreProtection } from './protection/protection.js';
import type { StoreKey } from './protection/store-key.js';
import { RowSet } from './row-set.js';
import { ALIAS_RECORDS, KEY_RECORDS, Rows, readStoreRow, type StoreRow } from './rows.js';
import { createTables, selectStore } from './schema.js';
import { RowSeal } from './seal.js';

/** What a new store is made with. */
interface NewStore extends DialectOptions {
  readonly location: string;
  readonly protectedBy: StoreProtection;
  readonly scrypt?: ScryptCost | undefined;
}

/** The kind of database that a location names. */
export function dialectOf(location: string): Dialect {
  return /^postgres(ql)?:/.test(location) ? postgres : sqlite;
}

/** What messages call a store: its path, or the URL without what may be a password. */
export function nameOf(location: string): string {
  if (dialectOf(location) === sqlite) return location;
  if (!URL.canParse(location)) return 'the PostgreSQL database';
  const url = new URL(location);
  url.password = '';
  url.search = '';
  return url.href;
}

/** What a new store is to hold. It may be asked for more than once. */
export interface StoreContents {
  keys(): Iterable<KeyRecord>;
  /** Asked for after the keys. */
  aliases(): Iterable<AliasRecord>;
}

/** How many rows of a new store are sealed at once. */
const BATCH = 500;

/**
 * Makes a store, with a new key.
 *
 * @returns The id of the new store; where somebody else was faster, that of another one is there.
 */
export async function createStore(
  dialect: Dialect,
  { location, protectedBy, scrypt, ...options }: NewStore,
  contents?: StoreContents,
): Promise<string> {
  const storeId = randomUUID();
  const { record, storeKey } = await createProtection(storeId, protectedBy, scrypt);
  const protection = JSON.stringify(record);
  try {
    await dialect.create(location, options, function* (database) {
      const rows = rowsOf(database, storeId, storeKey);
      const tables = createTables(dialect.types).map((sql) => ({ sql, parameters: [] }));
      yield [...tables, rows.newStore(storeId, protection)];
      if (contents === undefined) return;
      const set = new RowSet();
      let statements: Statement[] = [];
      for (const statement of rowsToPut(rows, contents, set)) {
        if (statements.push(statement) < BATCH) continue;
        yield statements;
        statements = [];
      }
      yield [...statements, rows.sealStore({ generation: 1, protection, set })];
    });
    return storeId;
  } finally {
    storeKey.destroy();
  }
}

function* rowsToPut(rows: Rows, contents: StoreContents, set: RowSet): Generator<Statement> {
  for (const key of contents.keys()) {
    yield rows.put(KEY_RECORDS, rows.seal(KEY_RECORDS, key, 1), set);
  }
  for (const alias of contents.aliases()) {
    yield rows.put(ALIAS_RECORDS, rows.seal(ALIAS_RECORDS, alias, 1), set);
  }
}

export function rowsOf(
  { location }: Pick<Database, 'location'>,
  storeId: string,
  { rows, setHash }: StoreKey,
): Rows {
  return new Rows(location, new RowSeal(storeId, rows, setHash));
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
