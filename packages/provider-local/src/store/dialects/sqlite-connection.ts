import { pathToFileURL } from 'node:url';
import { ProviderClosedError, ProviderUnavailableError, platformTimers } from '@keywrap/core';
import type { Row, Script, Statement } from '../dialect.js';
import { DamagedStoreError } from '../errors.js';
import type { SqliteBinding, SqliteHandle, SqliteStatement } from './sqlite-binding.js';
import { type Journal, prepareToWrite } from './sqlite-durability.js';
import { changedMeanwhile, isDiskFailure, isWithoutIndex } from './sqlite-errors.js';
import { identityOf, identityOfWal, isWritable, stateWithoutWal } from './sqlite-file.js';
import { assertSchema } from './sqlite-schema.js';

/** How often a call that reads nothing checks whether the file was replaced, in milliseconds. */
const LOOK_INTERVAL = 100;

/** The first version of a reopened file is higher than those of every earlier handle. */
const REOPENED = 2 ** 32;

/**
 * Handles of files that were replaced. They are never closed: that would empty, or remove by its name, the WAL that other
 * processes use now.
 */
const ABANDONED = new Set<SqliteHandle>();

/**
 * One handle of one file, used from one thread: the steps of a transaction run one after the other, and
 * nothing else comes in between.
 */
export class SqliteConnection {
  readonly path: string;
  readonly #binding: SqliteBinding;
  readonly #journal: Journal;
  readonly #identity: string | undefined;
  readonly #statements = new Map<string, SqliteStatement>();
  #handle: SqliteHandle | undefined;
  /** That of the schema that was checked (sqlite.org/pragma.html, "schema_version"). */
  #schemaVersion: unknown;
  /** The identity of the WAL and of its index, which stay while a handle uses them. */
  #identityOfWal: string | undefined;
  #replaced: DamagedStoreError | undefined;
  #lastLook = Number.NEGATIVE_INFINITY;
  #reopened = 0;
  #isUnsettled = false;
  /** Set while the file is read without a WAL: its state at that time. */
  #frozen: string | undefined;
  /** Set if the file could not be written when the handle was opened: SQLite then never writes by it. */
  #isReadOnly = false;
  #isClosed = false;
  /** The number of changes committed here. */
  commits = 0;

  /** Opens the file at first use. */
  constructor(binding: SqliteBinding, file: string, journal: Journal = 'wal') {
    this.#journal = journal;
    this.path = file;
    this.#binding = binding;
    this.#identity = identityOf(file);
  }

  /** Returns a number that changes when another process, or another handle, has committed. */
  dataVersion(): number {
    const isTime = platformTimers.now() - this.#lastLook >= LOOK_INTERVAL;
    if (isTime || this.#replaced !== undefined) this.#assertSameFile();
    this.#thaw();
    return this.#reopened + Number(this.#statement('pragma data_version').get()?.data_version);
  }

  /** Runs a script in one snapshot. */
  read<Result>(script: Script<Result>): Result {
    this.#assertSameFile();
    this.#thaw();
    this.#exec('begin');
    try {
      this.#assertSchema();
      const result = this.#run(script);
      if (this.#thaw()) throw changedMeanwhile();
      return result;
    } catch (error) {
      throw this.#thaw() ? changedMeanwhile() : error;
    } finally {
      this.#rollback();
    }
  }

  /**
   * Runs a script and commits it. Throws SQLite's error if nothing was changed, and
   * {@link ProviderUnavailableError} if the change may have been made.
   */
  write<Result>(script: Script<Result>): Result {
    this.#assertSameFile();
    if (this.#frozen !== undefined || (this.#isReadOnly && isWritable(this.path))) {
      this.#drop();
      this.#handle = this.#openAs('mode=rw');
    }
    this.#exec('begin immediate');
    let result: Result;
    try {
      this.#assertSchema();
      result = this.#run(script);
    } catch (error) {
      this.#rollback();
      throw error;
    }
    try {
      this.#exec('commit');
    } catch (error) {
      this.#rollback();
      if (!isDiskFailure(error)) throw error;
      // The change may be in the WAL without being on the disk.
      this.#isUnsettled = true;
      this.#drop();
      throw new ProviderUnavailableError(
        `${this.path}: the disk failed; the change may have been made, so look before you repeat it`,
        { cause: error },
      );
    }
    this.commits++;
    this.#assertSameFile();
    return result;
  }

  /**
   * Writes a consistent copy into an empty file (sqlite.org/lang_vacuum.html, "VACUUM with an INTO
   * clause").
   */
  copyInto(file: string): void {
    this.#assertSameFile();
    this.#thaw();
    this.#assertSchema();
    this.#statement('vacuum into ?1').all(file);
    if (this.#thaw()) throw changedMeanwhile();
  }

  close(): void {
    this.#isClosed = true;
    this.#closeHandle();
  }

  #closeHandle(): void {
    this.#statements.clear();
    this.#frozen = undefined;
    this.#schemaVersion = undefined;
    this.#identityOfWal = undefined;
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    if (this.#replaced !== undefined) {
      ABANDONED.add(handle);
      return;
    }
    // @photostructure/sqlite leaves the file open until its statements are garbage: empty the WAL first.
    try {
      if (!this.#isUnsettled) handle.exec('pragma wal_checkpoint(truncate)');
    } catch {
      // The WAL is on the disk; the next process that opens the file finds it there.
    }
    handle.close();
  }

  /** @throws SQLite's error. */
  #open(): SqliteHandle {
    try {
      return this.#openAs(this.#journal === 'read-only' ? 'mode=ro' : 'mode=rw');
    } catch (error) {
      // A disk that is read-only or full has no room for the index of the WAL (sqlite.org/wal.html,
      // "Read-Only Databases"). An immutable database is read without its WAL, which is correct only while
      // the WAL is empty.
      const state = stateWithoutWal(this.path);
      if (!isWithoutIndex(error) || state === undefined) throw error;
      const handle = this.#openAs('mode=ro&immutable=1');
      this.#frozen = state;
      return handle;
    }
  }

  /**
   * Stops reading without a WAL if another process has changed the file, or begun to.
   *
   * @returns Whether it stopped.
   */
  #thaw(): boolean {
    if (this.#frozen === undefined || stateWithoutWal(this.path) === this.#frozen) return false;
    this.#drop();
    return true;
  }

  /** Closes the handle; the next one starts without a cache. */
  #drop(): void {
    this.#reopened += REOPENED;
    try {
      this.#closeHandle();
    } catch {
      // It failed before.
    }
  }

  /**
   * @param parameters sqlite.org/uri.html, "Recognized Query Parameters". None of them makes a file.
   */
  #openAs(parameters: string): SqliteHandle {
    const url = pathToFileURL(this.path);
    url.search = parameters;
    // Without a timeout: waiting would block the thread, perhaps that of the lock's holder.
    const handle = new this.#binding.DatabaseSync(url, { timeout: 0 });
    try {
      handle.exec('pragma trusted_schema = off');
      if (!this.#isNew(handle)) assertSchema(handle, this.path);
      this.#isReadOnly = parameters !== 'mode=rw' || !isWritable(this.path);
      if (!this.#isReadOnly) {
        prepareToWrite(handle, this.path, this.#journal, this.#isUnsettled);
        this.#isUnsettled = false;
      }
      return handle;
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** Tells whether the file is empty: it is being created. */
  #isNew(handle: SqliteHandle): boolean {
    if (this.#journal !== 'delete') return false;
    return handle.prepare('select 1 from sqlite_schema').get() === undefined;
  }

  #usesWal(): boolean {
    return this.#journal === 'wal' && this.#frozen === undefined;
  }

  /** Checks the schema again when somebody has changed it. */
  #assertSchema(): void {
    const { schema_version } = this.#statement('pragma schema_version').get() ?? {};
    if (schema_version === this.#schemaVersion) return;
    if (!this.#isNew(this.#use())) assertSchema(this.#use(), this.path);
    this.#schemaVersion = schema_version;
    this.#identityOfWal ??= this.#usesWal() ? identityOfWal(this.path) : undefined;
  }

  #use(): SqliteHandle {
    if (this.#isClosed) throw new ProviderClosedError('the key store was closed');
    if (this.#handle === undefined) {
      this.#handle = this.#open();
      this.#assertSameFile();
    }
    return this.#handle;
  }

  #run<Result>(script: Script<Result>): Result {
    let step = script.next();
    while (step.done !== true) step = script.next(step.value.map((one) => this.#rowsOf(one)));
    return step.value;
  }

  #rowsOf({ sql, parameters }: Statement): Row[] {
    return this.#statement(sql)
      .all(...parameters)
      .map(withNumbers);
  }

  #exec(sql: string): void {
    this.#statement(sql).run();
  }

  #statement(sql: string): SqliteStatement {
    const handle = this.#use();
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = handle.prepare(sql);
      // As numbers, integers beyond 2^53 would cause errors that do not name the row.
      statement.setReadBigInts(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Rolls back a transaction; SQLite may have ended it already. */
  #rollback(): void {
    try {
      if (this.#handle?.isTransaction === true) this.#handle.exec('rollback');
    } catch {
      this.#drop();
    }
  }

  /** SQLite would continue to write, without an error, to a file that was unlinked. */
  #assertSameFile(): void {
    this.#lastLook = platformTimers.now();
    const isSame =
      identityOf(this.path) === this.#identity &&
      (this.#identityOfWal === undefined || identityOfWal(this.path) === this.#identityOfWal);
    if (this.#replaced === undefined && !isSame) {
      this.#replaced = new DamagedStoreError(
        this.path,
        'or its -wal or -shm was removed, or another file was put in its place, while this process had it open; what was changed since may be lost',
        { advice: 'restart the process, and restore only to a new path' },
      );
    }
    if (this.#replaced !== undefined) throw this.#replaced;
  }
}

/** Converts integers that fit a number; others stay, and fail the check of the row. */
function withNumbers(row: Row): Row {
  const read: Record<string, unknown> = row;
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value)))
      read[name] = Number(value);
  }
  return read;
}
