import { randomUUID } from 'node:crypto';
import type { AliasRecord, KeyRecord } from '../keys/record.js';
import type { Dialect, Script, Statement } from './dialect.js';
import { postgres } from './dialects/postgres.js';
import { sqlite } from './dialects/sqlite.js';
import { DamagedStoreError } from './errors.js';
import type { SqlKeyStoreOptions } from './parse-store-options.js';
import { protect } from './protection/protection.js';
import { StoreKey } from './protection/store-key.js';
import { RowSet } from './row-set.js';
import { ALIAS_RECORDS, KEY_RECORDS, parseStoreRow, Rows, type StoreRow } from './rows.js';
import { createTables, selectStore } from './schema.js';

/** The dialect of the database that a location names. */
export function dialectOf(location: string): Dialect {
  return /^postgres(ql)?:/.test(location) ? postgres : sqlite;
}

/** Names a store in messages: its path, or its URL without anything that may be a password. */
export function nameOf(location: string): string {
  if (dialectOf(location) === sqlite) return location;
  if (!URL.canParse(location)) return 'the PostgreSQL database';
  const url = new URL(location);
  url.password = '';
  url.search = '';
  return url.href;
}

/** The initial contents of a new store. They may be read more than once. */
export interface StoreContents {
  keys(): Iterable<KeyRecord>;
  /** Read after the keys. */
  aliases(): Iterable<AliasRecord>;
}

/** The number of rows of a new store that are sealed at once. */
const BATCH = 500;

/**
 * Creates a store with a new store key.
 *
 * @returns The id of the new store. If another process created one first, the database has a different id.
 */
export async function createStore(
  dialect: Dialect,
  { location, protectedBy, scrypt, ...options }: SqlKeyStoreOptions,
  contents?: StoreContents,
): Promise<string> {
  const storeId = randomUUID();
  const storeKey = StoreKey.generate(storeId);
  try {
    const protection = JSON.stringify(await protect(storeId, storeKey, protectedBy, scrypt));
    await dialect.create(location, options, function* (database) {
      const rows = new Rows(database.location, storeId, storeKey);
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

/** Reads the store's row, unauthenticated: the store key is not open yet. */
export function* readProtection(location: string): Script<StoreRow> {
  const [rows] = yield [selectStore()];
  return parseStoreRow(location, rows);
}

export function parseProtection(location: string, protection: string): unknown {
  try {
    return JSON.parse(protection);
  } catch {
    throw new DamagedStoreError(location, 'has a damaged store row: its protection is not JSON');
  }
}
