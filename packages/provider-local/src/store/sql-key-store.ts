import { randomUUID } from 'node:crypto';
import {
  type ArnScope,
  formatAliasArn,
  formatKeyArn,
  InvalidInputError,
  ProviderClosedError,
} from '@keywrap/core';
import { AuditLog, type AuditLogOptions } from '../audit/audit-log.js';
import { type AuditLogReport, verifyAuditLogs } from '../audit/audit-verify.js';
import type { AliasRecord, KeyRecord } from '../keys/record.js';
import type { ChangeNames, KeyStore, Page, Transaction } from '../keys/store.js';
import { ChangeSet, type Loaded, type RowChange } from './change-set.js';
import type { Database, Dialect, DialectOptions, Row, Script, Statement } from './dialect.js';
import { sqlite } from './dialects/sqlite.js';
import { DamagedStoreError } from './errors.js';
import { releaseMaterials } from './materials.js';
import type { ScryptCost } from './protection/passphrase.js';
import { createProtection, openProtection, type StoreProtection } from './protection/protection.js';
import type { StoreKey } from './protection/store-key.js';
import { RowCache } from './row-cache.js';
import { RowSet } from './row-set.js';
import {
  ALIAS_RECORDS,
  KEY_RECORDS,
  type RecordTable,
  Rows,
  readStoreRow,
  type StoredRow,
  type StoreState,
} from './rows.js';
import {
  ALIASES,
  createTables,
  deleteRow,
  KEYS,
  selectAliasesBeside,
  selectByReference,
  selectGeneration,
  selectKeyOfAlias,
  selectPage,
  selectRow,
  selectStore,
} from './schema.js';
import { RowSeal } from './seal.js';

/** Where a store is, and what opens it. */
export interface SqlKeyStoreOptions extends DialectOptions {
  /** The path of an SQLite file, on a local file system. */
  readonly location: string;
  /** A passphrase, or a key of another provider. */
  readonly protectedBy: StoreProtection;
  /** Makes a new store where nothing is. By default that is an error: the path may be wrong. */
  readonly create?: boolean | undefined;
  /** For a new passphrase; the default unless it is given. */
  readonly scrypt?: ScryptCost | undefined;
  /** How many keys, and how many aliases, stay in memory; 10,000 by default. */
  readonly cachedRecords?: number | undefined;
}

/** What a new store is to hold. It may be asked for more than once. */
export interface StoreContents {
  keys(): Iterable<KeyRecord>;
  /** Asked for after the keys. */
  aliases(): Iterable<AliasRecord>;
}

const CACHED_RECORDS = 10_000;

/**
 * Keeps keys in a database, encrypted and authenticated: an SQLite file, which any number of processes of
 * one machine may use at once. `docs/key-store.md` says what it protects from, and what it does not.
 *
 * @example
 * ```ts
 * import { SqlKeyStore } from '@keywrap/provider-local/store';
 *
 * await using store = await SqlKeyStore.open({
 *   location: '/var/lib/orders/keys.db',
 *   protectedBy: { passphrase: 'correct horse battery staple' },
 *   create: true,
 * });
 * ```
 */
export class SqlKeyStore implements KeyStore, AsyncDisposable {
  readonly #database: Database;
  readonly #storeId: string;
  readonly #storeKey: StoreKey;
  readonly #rows: Rows;
  readonly #keys: RowCache<KeyRecord>;
  readonly #aliases: RowCache<AliasRecord>;
  /** The highest that was seen: one that is lower was put back. */
  #generation = 0;
  /** Counts our own changes, so that what was read before one is not kept after it. */
  #ownChanges = 0;
  /** Why the store refuses everything. */
  #failure: Error | undefined;

  private constructor(
    database: Database,
    storeId: string,
    storeKey: StoreKey,
    cachedRecords: number,
  ) {
    this.#database = database;
    this.#storeId = storeId;
    this.#storeKey = storeKey;
    this.#rows = rowsOf(database, storeId, storeKey);
    this.#keys = new RowCache(cachedRecords, releaseMaterials);
    this.#aliases = new RowCache(cachedRecords, () => {});
  }

  /**
   * Opens a store.
   *
   * @throws {@link InvalidInputError} where there is no store, `ACCESS_DENIED` for a wrong passphrase or
   * a file that others may read, {@link DamagedStoreError}, `UNAVAILABLE`, and what the provider that
   * protects the store throws.
   */
  static async open(options: SqlKeyStoreOptions): Promise<SqlKeyStore> {
    const { location, protectedBy, cachedRecords = CACHED_RECORDS } = options;
    const dialect = dialectOf(location);
    let database = await dialect.open(location, options);
    if (database === undefined) {
      if (options.create !== true) {
        throw new InvalidInputError(
          'location',
          `${location} is not a key store: there is nothing; check the path, or create a store`,
        );
      }
      await createStore(dialect, options);
      database = await dialect.open(location, options);
    }
    if (database === undefined) throw new DamagedStoreError(location, 'was removed');
    let storeKey: StoreKey | undefined;
    try {
      const { id, protection } = await database.read(readStore(database.location));
      storeKey = await openProtection(
        id,
        parseProtection(location, protection),
        protectedBy,
        location,
      );
      const store = new SqlKeyStore(database, id, storeKey, cachedRecords);
      await database.read(() => store.#readState());
      return store;
    } catch (error) {
      storeKey?.destroy();
      await database.close();
      throw error;
    }
  }

  /**
   * Makes a new store, with what it is to hold from the beginning: all of it or, when anything fails,
   * no store at all.
   *
   * @param contents The material of the records stays the caller's.
   * @throws {@link InvalidInputError} where there is a store already, and what {@link open} throws.
   */
  static async create(options: SqlKeyStoreOptions, contents?: StoreContents): Promise<SqlKeyStore> {
    const { location } = options;
    const taken = () => new InvalidInputError('location', `${location} holds a key store already`);
    if (await SqlKeyStore.isAt(location, options)) throw taken();
    const storeId = await createStore(dialectOf(location), options, contents);
    const store = await SqlKeyStore.open({ ...options, create: false });
    if (store.#storeId === storeId) return store;
    await store.close();
    throw taken();
  }

  /** Whether there is a store; whether it opens is another question. */
  static async isAt(location: string, options: DialectOptions = {}): Promise<boolean> {
    const database = await dialectOf(location).open(location, options);
    await database?.close();
    return database !== undefined;
  }

  /** The number of changes that the store had seen when it was last asked. It never goes down, unless an old copy was put back. */
  get generation(): number {
    return this.#generation;
  }

  peekKey(arn: string): KeyRecord | undefined {
    return this.#peek(this.#keys, arn);
  }

  peekAlias(arn: string): AliasRecord | undefined {
    return this.#peek(this.#aliases, arn);
  }

  async loadKey(arn: string): Promise<KeyRecord | undefined> {
    const [record] = await this.#load(selectRow(KEYS, arn), KEY_RECORDS, this.#keys);
    if (record === undefined) this.#keys.remove(arn);
    return record;
  }

  async loadAlias(arn: string): Promise<AliasRecord | undefined> {
    const [record] = await this.#load(selectRow(ALIASES, arn), ALIAS_RECORDS, this.#aliases);
    if (record === undefined) this.#aliases.remove(arn);
    return record;
  }

  async listKeys(page: Page): Promise<readonly KeyRecord[]> {
    const [after, before] = rangeOf(page, (scope) => formatKeyArn('', scope));
    const statement = selectPage(KEYS, after, before, page.limit);
    return this.#load(statement, KEY_RECORDS, this.#keys);
  }

  async listAliases(page: Page, keyArn?: string): Promise<readonly AliasRecord[]> {
    const [after, before] = rangeOf(page, (scope) => formatAliasArn('alias/', scope));
    const statement = selectPage(ALIASES, after, before, page.limit, keyArn);
    return this.#load(statement, ALIAS_RECORDS, this.#aliases);
  }

  async keysWithId(id: string): Promise<readonly KeyRecord[]> {
    return this.#load(selectByReference(KEYS, id), KEY_RECORDS, this.#keys);
  }

  async change<Result>(
    names: ChangeNames,
    body: (transaction: Transaction) => Result,
  ): Promise<Result> {
    this.#assertUsable();
    const { result } = await this.#database.write(
      () => this.#changeScript(names, body),
      ({ commit }) => commit(),
    );
    return result;
  }

  /**
   * Begins an audit log, for `withAuditLog`. Each process has a log of its own. Its lines have the
   * generation of the store: kept elsewhere, it shows that the store was set back as a whole.
   *
   * @param options The folder of the logs, and who acts, where the user of the process does not say it.
   * @throws what {@link AuditLog.open} throws.
   */
  async openAuditLog(options: Pick<AuditLogOptions, 'folder' | 'actor'>): Promise<AuditLog> {
    this.#assertUsable();
    const { folder, actor } = options;
    const generation = () => this.#generation;
    return AuditLog.open({ folder, actor, generation, ...this.#auditOptions() });
  }

  /** Checks every line of the audit logs in a folder; see {@link AuditLogReport.generation}. */
  async verifyAuditLogs(folder: string): Promise<readonly AuditLogReport[]> {
    this.#assertUsable();
    return verifyAuditLogs({ folder, ...this.#auditOptions() });
  }

  #auditOptions(): Pick<AuditLogOptions, 'key' | 'storeId'> {
    return { key: this.#storeKey.auditLog, storeId: this.#storeId };
  }

  /** Closes the database and destroys all key material. */
  async close(): Promise<void> {
    if (this.#failure instanceof ProviderClosedError) return;
    this.#failure = new ProviderClosedError('the key store was closed');
    await this.#database.close();
    this.#keys.clear();
    this.#aliases.clear();
    this.#storeKey.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #peek<Content>(cache: RowCache<Content>, arn: string): Content | undefined {
    return this.#failure === undefined ? cache.current(arn, this.#database.version()) : undefined;
  }

  async #load<Content>(
    statement: Statement,
    table: RecordTable<Content>,
    cache: RowCache<Content>,
  ): Promise<Content[]> {
    for (;;) {
      this.#assertUsable();
      const records = await this.#database.read(() => this.#loadScript(statement, table, cache));
      if (records !== undefined) return records;
    }
  }

  /** @returns Undefined where a change of our own came in between: what was read may be older. */
  *#loadScript<Content>(
    statement: Statement,
    table: RecordTable<Content>,
    cache: RowCache<Content>,
  ): Script<Content[] | undefined> {
    const asOf = this.#database.version();
    const ownChanges = this.#ownChanges;
    const [store, found = []] = yield [selectGeneration(), statement];
    this.#assertUsable();
    this.#sawGeneration(generationOf(this.#database.location, store));
    if (ownChanges !== this.#ownChanges) return undefined;
    return found.map((row) => this.#record(this.#rows.read(table, row), table, cache, asOf));
  }

  /** The record of a row: from memory, if it was read already. */
  #record<Content>(
    row: StoredRow,
    table: RecordTable<Content>,
    cache: RowCache<Content>,
    asOf: number | undefined,
  ): Content {
    const same = cache.confirm(row.arn, row.version, asOf);
    if (same !== undefined) return same;
    const record = table.keep(this.#rows.open(table, row), cache.any(row.arn));
    cache.put(row.arn, record, row.version, asOf);
    return record;
  }

  *#changeScript<Result>(
    names: ChangeNames,
    body: (transaction: Transaction) => Result,
  ): Script<{ result: Result; commit: () => void }> {
    const asOf = this.#database.version();
    const [store, ...found] = yield [
      selectStore(),
      ...names.keys.flatMap((arn) => [selectRow(KEYS, arn), selectByReference(ALIASES, arn)]),
      ...names.aliases.flatMap((arn) => [selectKeyOfAlias(arn), selectAliasesBeside(arn)]),
    ];
    this.#assertUsable();
    const state = this.#openState(store);
    const loaded = <Content>(
      at: 0 | 1,
      table: RecordTable<Content>,
      cache: RowCache<Content>,
    ): Loaded<Content>[] =>
      found
        .filter((_, index) => index % 2 === at)
        .flat()
        .map((unread: Row) => {
          const row = this.#rows.read(table, unread);
          return { row, record: this.#record(row, table, cache, asOf) };
        });
    const set = new ChangeSet(
      names,
      loaded(0, KEY_RECORDS, this.#keys),
      loaded(1, ALIAS_RECORDS, this.#aliases),
    );
    const result = body(set);
    const generation = state.generation + 1;
    const keys = set.keys.map((change) => this.#write(KEY_RECORDS, change, state, generation));
    const aliases = set.aliases.map((change) =>
      this.#write(ALIAS_RECORDS, change, state, generation),
    );
    const statements = [...keys, ...aliases].flat();
    if (statements.length === 0) return { result, commit: () => {} };
    yield [...statements, this.#rows.sealStore({ ...state, generation })];
    const commit = () => {
      this.#ownChanges++;
      this.#sawGeneration(generation);
      for (const change of set.keys) applyTo(this.#keys, change, generation, asOf);
      for (const change of set.aliases) applyTo(this.#aliases, change, generation, asOf);
    };
    return { result, commit };
  }

  /** Writes or removes a row, and takes note of it in the set. */
  #write<Content>(
    table: RecordTable<Content>,
    { arn, before, record }: RowChange<Content>,
    { set }: StoreState,
    version: number,
  ): Statement[] {
    if (before !== undefined) set.remove(table, this.#rows.hash(table, before));
    if (record === undefined) return before === undefined ? [] : [deleteRow(table, arn)];
    return [this.#rows.put(table, record, version, set)];
  }

  *#readState(): Script<StoreState> {
    const [store] = yield [selectStore()];
    return this.#openState(store);
  }

  #openState(rows: readonly Row[] | undefined): StoreState {
    const state = this.#rows.openStore(rows);
    this.#sawGeneration(state.generation);
    return state;
  }

  #sawGeneration(generation: number): void {
    if (generation < this.#generation) {
      this.#failure = new DamagedStoreError(
        this.#database.location,
        `was set back to generation ${generation}, after ${this.#generation} had been seen`,
        undefined,
        'stop all processes that use it, and find out who put an old copy there',
      );
      throw this.#failure;
    }
    this.#generation = generation;
  }

  #assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function applyTo<Content>(
  cache: RowCache<Content>,
  { arn, record }: RowChange<Content>,
  version: number,
  asOf: number | undefined,
): void {
  if (record === undefined) cache.remove(arn);
  else cache.put(arn, record, version, asOf);
}

function dialectOf(_location: string): Dialect {
  return sqlite;
}

function rowsOf(
  { location }: Pick<Database, 'location'>,
  storeId: string,
  { rows, setHash }: StoreKey,
): Rows {
  return new Rows(location, new RowSeal(storeId, rows, setHash));
}

/** How many rows of a new store are sealed at once. */
const BATCH = 500;

/** @returns The id of the new store; where somebody else was faster, that of another one is there. */
async function createStore(
  dialect: Dialect,
  options: SqlKeyStoreOptions,
  contents?: StoreContents,
): Promise<string> {
  const { location, protectedBy, scrypt } = options;
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
  for (const key of contents.keys()) yield rows.put(KEY_RECORDS, key, 1, set);
  for (const alias of contents.aliases()) yield rows.put(ALIAS_RECORDS, alias, 1, set);
}

function readStore(location: string) {
  return function* (): Script<{ id: string; protection: string }> {
    const [rows] = yield [selectStore()];
    return readStoreRow(location, rows);
  };
}

function parseProtection(location: string, protection: string): unknown {
  try {
    return JSON.parse(protection);
  } catch {
    throw new DamagedStoreError(location, 'has a damaged store row: its protection is not JSON');
  }
}

function generationOf(location: string, rows: readonly Row[] | undefined): number {
  const generation = rows?.length === 1 ? rows[0]?.generation : undefined;
  if (Number.isSafeInteger(generation)) return generation as number;
  throw new DamagedStoreError(location, 'has lost its store row');
}

/** What ARNs of a page come after, and before. */
function rangeOf(
  { scope, after = '' }: Page,
  startOf: (scope: ArnScope) => string,
): readonly [string, string] {
  const start = scope === undefined ? 'arn:' : startOf(scope);
  // ':' and '/', at the end of `start`, with what comes after them in ASCII.
  const end = start.slice(0, -1) + (start.endsWith('/') ? '0' : ';');
  return [after > start ? after : start, end];
}
