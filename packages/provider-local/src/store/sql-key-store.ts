import {
  InvalidInputError,
  ownFields,
  ProviderClosedError,
  readFields,
  UnsupportedOperationError,
} from '@keywrap/core';
import { AuditLog, type AuditLogOptions } from '../audit/audit-log.js';
import {
  type AuditLogReport,
  type VerifyAuditLogsOptions,
  verifyAuditLogs,
} from '../audit/audit-verify.js';
import type { AliasRecord, KeyRecord } from '../keys/record.js';
import type { ChangeNames, KeyStore, Page, Transaction } from '../keys/store.js';
import {
  createStore,
  dialectOf,
  nameOf,
  parseProtection,
  readProtection,
  type StoreContents,
} from './create-store.js';
import type { Database, DialectOptions } from './dialect.js';
import { DamagedStoreError } from './errors.js';
import {
  parseLocation,
  parsePath,
  parseStoreOptions,
  type SqlKeyStoreOptions,
} from './parse-store-options.js';
import type { ScryptCost } from './protection/passphrase.js';
import { openProtection, protect, type StoreProtection } from './protection/protection.js';
import type { StoreKey } from './protection/store-key.js';
import { Rows } from './rows.js';
import { ALIASES, KEYS, rangeOf, selectByReference, selectPage } from './schema.js';
import { StoreScripts } from './store-scripts.js';
import { type OnProgress, type StoreReport, verifyRows } from './verify.js';

/**
 * Keeps keys in a database, encrypted and authenticated: in an SQLite file, for any number of processes of
 * one machine, or in PostgreSQL. `docs/key-store.md` says what it protects against, and what it does not.
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
  readonly #scripts: StoreScripts;
  #isClosed = false;

  private constructor(
    database: Database,
    storeId: string,
    storeKey: StoreKey,
    cachedRecords: number,
  ) {
    this.#database = database;
    this.#storeId = storeId;
    this.#storeKey = storeKey;
    this.#rows = new Rows(database.location, storeId, storeKey);
    this.#scripts = new StoreScripts(database, this.#rows, cachedRecords);
  }

  /**
   * Opens a store.
   *
   * @throws {@link InvalidInputError} if there is no store or an option is wrong, `ACCESS_DENIED` for a wrong
   * passphrase or a file that others may read, {@link DamagedStoreError}, `UNAVAILABLE`, and errors of the
   * provider that protects the store.
   */
  static async open(given: SqlKeyStoreOptions): Promise<SqlKeyStore> {
    const options = parseStoreOptions(given);
    const { location } = options;
    const dialect = dialectOf(location);
    let database = await dialect.open(location, options);
    if (database === undefined && options.create === true) {
      await createStore(dialect, options);
      database = await dialect.open(location, options);
    }
    return SqlKeyStore.#unlock(database, options);
  }

  /**
   * Restores a backup to a new file: with the keys and the protection that the store had at the time.
   *
   * @param options The new location, and the protection of the store when the backup was made.
   * @param backup The path of the backup, which is not changed.
   * @throws {@link InvalidInputError} if there is anything at the new location, and {@link
   * DamagedStoreError} for a damaged backup: then nothing is created.
   */
  static async restore(
    given: SqlKeyStoreOptions,
    backup: string,
    onProgress?: OnProgress,
  ): Promise<SqlKeyStore> {
    const options = parseStoreOptions({ ...given, create: false });
    parsePath(backup, 'backup');
    if (dialectOf(options.location) !== dialectOf(backup)) {
      throw new UnsupportedOperationError(
        'a backup is restored to a file; what PostgreSQL has is restored with pg_restore',
      );
    }
    const copy = await dialectOf(backup).open(backup, { ...options, readOnly: true });
    await using source = await SqlKeyStore.#unlock(copy, { ...options, location: backup });
    await source.backup(options.location, onProgress);
    return SqlKeyStore.open(options);
  }

  static async #unlock(
    database: Database | undefined,
    { location, protectedBy, cachedRecords = 10_000 }: SqlKeyStoreOptions,
  ): Promise<SqlKeyStore> {
    if (database === undefined) {
      throw new InvalidInputError(
        'location',
        `${nameOf(location)} is not a key store: it does not exist, or is empty; check the path, or create it (create: true, create=true in a URL)`,
      );
    }
    let storeKey: StoreKey | undefined;
    try {
      const { id, protection } = await database.read(() => readProtection(database.location));
      const record = parseProtection(database.location, protection);
      storeKey = await openProtection(id, record, protectedBy, database.location);
      const store = new SqlKeyStore(database, id, storeKey, cachedRecords);
      await database.read(() => store.#scripts.state());
      return store;
    } catch (error) {
      storeKey?.destroy();
      await database.close();
      throw error;
    }
  }

  /**
   * Creates a store with its initial contents, or, if anything fails, no store.
   *
   * @param contents The caller keeps the material of the records.
   * @throws {@link InvalidInputError} if the store already exists, and errors of {@link open}.
   */
  static async create(given: SqlKeyStoreOptions, contents?: StoreContents): Promise<SqlKeyStore> {
    const options = parseStoreOptions(given);
    const { location } = options;
    const taken = () =>
      new InvalidInputError(
        'location',
        `${nameOf(location)} holds a key store already, or other data; choose another location`,
      );
    if (await SqlKeyStore.isAt(location, options)) throw taken();
    const storeId = await createStore(dialectOf(location), options, contents);
    const store = await SqlKeyStore.open({ ...options, create: false });
    if (store.#storeId === storeId) return store;
    await store.close();
    throw taken();
  }

  /** Tells whether there is a store, without opening it. */
  static async isAt(location: string, options: DialectOptions = {}): Promise<boolean> {
    parseLocation(location, 'location');
    const database = await dialectOf(location).open(location, ownFields(options));
    await database?.close();
    return database !== undefined;
  }

  /** The path of the file, or the URL of the database without its password. */
  get location(): string {
    return this.#database.location;
  }

  /**
   * The number of changes made to the store, as of its last read. It never decreases, unless an old copy is
   * put back.
   */
  get generation(): number {
    return this.#scripts.generation;
  }

  peekKey(arn: string): KeyRecord | undefined {
    return this.#scripts.peek(this.#scripts.keys, arn);
  }

  peekAlias(arn: string): AliasRecord | undefined {
    return this.#scripts.peek(this.#scripts.aliases, arn);
  }

  lookOnce(): () => void {
    return this.#database.lookOnce();
  }

  async loadKey(arn: string): Promise<KeyRecord | undefined> {
    return this.#scripts.loadOne(this.#scripts.keys, arn);
  }

  async loadAlias(arn: string): Promise<AliasRecord | undefined> {
    return this.#scripts.loadOne(this.#scripts.aliases, arn);
  }

  async listKeys(page: Page): Promise<readonly KeyRecord[]> {
    return this.#scripts.load(this.#scripts.keys, selectPage(KEYS, rangeOf(KEYS, page)));
  }

  async listAliases(page: Page, keyArn?: string): Promise<readonly AliasRecord[]> {
    const statement = selectPage(ALIASES, rangeOf(ALIASES, page), keyArn);
    const asked = { arn: undefined, reference: keyArn };
    return this.#scripts.load(this.#scripts.aliases, statement, asked);
  }

  async keysWithId(id: string): Promise<readonly KeyRecord[]> {
    const asked = { arn: undefined, reference: id };
    return this.#scripts.load(this.#scripts.keys, selectByReference(KEYS, id), asked);
  }

  async change<Result>(names: ChangeNames, body: (transaction: Transaction) => Result) {
    return this.#scripts.change(names, body);
  }

  /**
   * Protects the store by another passphrase or provider. The key of the store stays the same: someone
   * who had it, or the file and the old passphrase, can still read the store.
   *
   * @param scrypt For a passphrase.
   */
  async protect(protectedBy: StoreProtection, scrypt?: ScryptCost): Promise<void> {
    this.#scripts.assertUsable();
    const record = await protect(this.#storeId, this.#storeKey, protectedBy, scrypt);
    await this.#scripts.protect(JSON.stringify(record));
  }

  /**
   * Reads every row from the disk, not from memory, and checks each row and the set of all. Others may read
   * and write meanwhile.
   *
   * @param onProgress Receives the number of rows checked so far, and of all rows.
   * @throws `UNAVAILABLE` if the database can't be read, and {@link DamagedStoreError} if it is no longer
   * a store. Damaged rows are part of the report.
   */
  async verify(onProgress?: OnProgress): Promise<StoreReport> {
    const { generation } = await this.#database.read(() => this.#scripts.state());
    const fresh = await this.#database.reopen();
    try {
      const report = await verifyRows(fresh, this.#rows, onProgress);
      if (report.generation < generation)
        this.#scripts.sawGeneration(report.generation, generation);
      return report;
    } finally {
      await fresh.close();
    }
  }

  /**
   * Writes a consistent copy to a new file, while others read and write. When the promise resolves, the copy
   * is checked, private to its owner, and on the disk. It has the current protection of the store.
   *
   * @param path The path of a file that does not exist.
   * @throws {@link DamagedStoreError} if a row is damaged: then no copy is made.
   */
  async backup(path: string, onProgress?: OnProgress): Promise<void> {
    this.#scripts.assertUsable();
    parsePath(path, 'path');
    await this.#database.copyTo(path, async (copy) => {
      const { damaged } = await verifyRows(copy, this.#rows, onProgress);
      if (damaged[0] !== undefined) throw damaged[0];
    });
  }

  /**
   * Begins an audit log, for `withAuditLog`. Each process writes its own. Lines record the generation of
   * the store: kept elsewhere, it reveals that the whole store was replaced by an old copy.
   *
   * @throws as {@link AuditLog.open}.
   */
  async openAuditLog(
    options: Pick<AuditLogOptions, 'folder' | 'actor' | 'trustedGroup' | 'checkpoint'>,
  ): Promise<AuditLog> {
    this.#scripts.assertUsable();
    const names = ['folder', 'actor', 'trustedGroup', 'checkpoint'] as const;
    const fields = readFields(options, 'options', names);
    const generation = () => this.generation;
    const given = fields as unknown as typeof options;
    return AuditLog.open({ ...given, generation, ...this.#auditOptions() });
  }

  /** Checks every line of the audit logs in a folder; see {@link AuditLogReport.generation}. */
  async verifyAuditLogs(
    folder: string,
    options: Pick<VerifyAuditLogsOptions, 'checkpoints' | 'trustedGroup'> = {},
  ): Promise<readonly AuditLogReport[]> {
    this.#scripts.assertUsable();
    const fields = readFields(options, 'options', ['checkpoints', 'trustedGroup']);
    const { checkpoints, trustedGroup } = fields as typeof options;
    return verifyAuditLogs({ folder, checkpoints, trustedGroup, ...this.#auditOptions() });
  }

  #auditOptions(): Pick<AuditLogOptions, 'key' | 'storeId'> {
    return { key: this.#storeKey.auditLog, storeId: this.#storeId };
  }

  /** Closes the database and destroys all key material. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#scripts.rejectWith(new ProviderClosedError('the key store was closed'));
    try {
      await this.#database.close();
    } finally {
      this.#scripts.keys.clear();
      this.#scripts.aliases.clear();
      this.#storeKey.destroy();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
