import type { ColumnTypes } from './schema.js';

/** What SQL takes as a parameter. */
export type SqlValue = string | number | Uint8Array;

/** A row as the database returned it: any type may stand in any column, so each is checked. */
export type Row = Readonly<Record<string, unknown>>;

/** One SQL statement. */
export interface Statement {
  /** Its parameters are `?1`, `?2`, ... */
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/**
 * The steps of a transaction. Each step yields statements, which run in order, and is given the rows of
 * each of them. A generator, and not an async function, so that SQLite runs it without ever giving up the
 * thread, and PostgreSQL with a pause for each step: the code is the same.
 */
export type Script<Result> = Generator<readonly Statement[], Result, readonly (readonly Row[])[]>;

/** Options that a dialect may look at. */
export interface DialectOptions {
  /**
   * SQLite: the id of the group whose members may read and write the file too, such as Kubernetes'
   * `fsGroup`. Without it, a file that anybody but its owner may read is refused.
   */
  readonly trustedGroup?: number | undefined;
  /** How long to wait for a lock of another process, in milliseconds; 20,000 by default. */
  readonly lockTimeout?: number | undefined;
  /**
   * PostgreSQL: when changes of other processes are seen. `notified`, the default: usually within
   * milliseconds, and within two seconds where a connection was lost without a word; what is in
   * memory is used without asking. `always`: by the next call; each call asks the database.
   */
  readonly freshness?: 'notified' | 'always' | undefined;
}

/** A kind of database. */
export interface Dialect {
  readonly types: ColumnTypes;

  /** @returns Undefined where there is nothing yet. */
  open(
    location: string,
    options: DialectOptions & { readonly readOnly?: boolean },
  ): Promise<Database | undefined>;

  /**
   * Makes a database by running `script` in it: whole, or not at all. Where somebody else has made one
   * meanwhile, that one stays and nothing happens.
   */
  create(
    location: string,
    options: DialectOptions,
    script: (database: Pick<Database, 'location'>) => Script<void>,
  ): Promise<void>;
}

/**
 * An open database: what differs between SQLite and PostgreSQL. Its failures are typed errors:
 * `UNAVAILABLE` for what may pass (a full disk, a lock that stays, a lost connection), `ACCESS_DENIED` for
 * what has to be allowed first, and `DamagedStoreError`.
 */
export interface Database {
  /** What errors call it: the path of a file, or a URL without its password. */
  readonly location: string;

  /**
   * A number that is another one once somebody else has committed a change: another process, or another
   * `Database`. Undefined while nobody knows. What this object commits does not count. Takes 5 us or less.
   */
  version(): number | undefined;

  /** Runs a script that only reads, in one snapshot. */
  read<Result>(script: () => Script<Result>): Promise<Result>;

  /**
   * Runs a script that no other change overlaps, and commits it. When the promise resolves, the
   * change is durable. When it rejects, nothing was changed, unless the error says that it may have
   * been. A script that throws changes nothing; it is run again where another process was in the way.
   *
   * @param committed Called when the change is durable, before anything else is read or written.
   */
  write<Result>(script: () => Script<Result>, committed: (result: Result) => void): Promise<Result>;

  /**
   * Has the database check itself: that its indexes have what its tables have. Rows can't show that, and what an index does
   * not have is not found by it.
   *
   * @throws DamagedStoreError
   */
  checkIndexes(): Promise<void>;

  /** A second connection, with no memory of its own of what was read: for checks and backups. */
  reopen(): Promise<Database>;

  /**
   * Writes a copy of one moment, while others write, to a new SQLite file, which appears when it is
   * whole, checked and on the disk.
   *
   * @param check Is given the copy.
   * @throws `UNSUPPORTED` where the database has tools of its own for that.
   */
  copyTo(path: string, check: (copy: Database) => Promise<void>): Promise<void>;

  close(): Promise<void>;
}
