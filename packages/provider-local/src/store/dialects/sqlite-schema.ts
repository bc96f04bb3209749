import { DamagedStoreError } from '../errors.js';
import { type ColumnTypes, createTables } from '../schema.js';
import type { SqliteHandle } from './sqlite-binding.js';

/** How SQLite writes the types of the tables. */
export const SQLITE_TYPES: ColumnTypes = {
  text: 'text',
  integer: 'integer',
  bytes: 'blob',
  tableOptions: 'strict',
};

/** SQLite keeps the text of what made a table or index, with its first words in capitals. */
const normalized = (sql: unknown) => String(sql).replaceAll(/\s+/g, ' ').toLowerCase();

/** The SQL that created each table and index of a store, by name; null for the index of a primary key. */
const SCHEMA = new Map<string, string>([
  ...createTables(SQLITE_TYPES).map((sql): [string, string] => [
    sql.split(/\s+/)[2] as string,
    normalized(sql),
  ]),
  ['sqlite_autoindex_keywrap_keys_1', 'null'],
  ['sqlite_autoindex_keywrap_aliases_1', 'null'],
]);

/**
 * Checks that a database has the tables and indexes of a store, and nothing else: whoever can write to the
 * file can add a trigger, a view or a generated column, which SQLite would run in the name of whoever opens it.
 * Reads no table but the schema (sqlite.org/schematab.html).
 *
 * @throws {@link DamagedStoreError}
 */
export function assertSchema(handle: SqliteHandle, path: string): void {
  const found = handle
    .prepare(
      `select substr(name, 1, 200) as name, substr(sql, 1, 2000) as sql from sqlite_schema limit ${SCHEMA.size + 1}`,
    )
    .all();
  const made = new Map(found.map(({ name, sql }) => [String(name), normalized(sql)]));
  if (!made.has('keywrap_store')) {
    throw new DamagedStoreError(
      path,
      'is a database, but not a key store, or its tables were dropped',
      { advice: 'check the path, or restore the store from a backup' },
    );
  }
  const other = [...made.keys(), ...SCHEMA.keys()].find(
    (name) => made.get(name) !== SCHEMA.get(name),
  );
  if (other === undefined) return;
  throw new DamagedStoreError(
    path,
    `has another schema than a key store: ${JSON.stringify(other)} was added, changed or dropped`,
    { advice: 'drop what was added, use the release that wrote the store, or restore a backup' },
  );
}
