import type { ColumnTypes } from './schema.js';

/** A parameter of an SQL statement. */
export type SqlValue = string | number | Uint8Array;

/** A row as the database returned it. A column may hold any type, so each is checked. */
export type Row = Readonly<Record<string, unknown>>;

/** One SQL statement. */
export interface Statement {
  /** Its parameters are `?1`, `?2`, ... */
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/**
 * The steps of a transaction. Each step yields statements, which run in order, and receives the rows of
 * each. It is a generator, not an async function, so that SQLite can run it without yielding the thread and
 * PostgreSQL with a round trip per step.
 */
export type Script<Result> = Generator<readonly Statement[], Result, readonly (readonly Row[])[]>;

/** Options of a dialect. */
export interface DialectOptions {
  /**
   * SQLite: the id of a group whose members may also read and write the file, such as Kubernetes'
   * `fsGroup`. By default, a file that anyone but its owner may read is rejected.
   */
  readonly trustedGroup?: number | undefined;
  /** How long to wait for a lock of another process, in milliseconds; 20,000 by default. */
  readonly lockTimeout?: number | undefined;
  /**
   * PostgreSQL: when changes of other processes become visible. `notified` (default): usually within
   * milliseconds, and within two seconds if a connection is lost silently; cached records are used
   * without a query. `always`: by the next call; each call queries the database.
   */
  readonly freshness?: 'notified' | 'always' | undefined;
}

/** A kind of database. */
export interface Dialect {
  readonly types: ColumnTypes;

  /** @returns Undefined if there is no database yet. */
  open(
    location: string,
    options: DialectOptions & { readonly readOnly?: boolean },
  ): Promise<Database | undefined>;

  /**
   * Creates a database by running `script` in it, atomically. If another process has created one
   * meanwhile, does nothing.
   */
  create(
    location: string,
    options: DialectOptions,
    script: (database: Pick<Database, 'location'>) => Script<void>,
  ): Promise<void>;
}

/**
 * An open database: the parts that differ between SQLite and PostgreSQL. Failures are typed errors:
 * `UNAVAILABLE` if a later attempt may succeed (a full disk, a lock, a lost connection), `ACCESS_DENIED` for
 * a missing permission, and `DamagedStoreError`.
 */
export interface Database {
  /** Names the database in errors: the path of a file, or a URL without its password. */
  readonly location: string;

  /**
   * A number that changes when another process, or another `Database`, has committed a change. Undefined
   * while that is unknown. Commits of this object do not count. Takes 5 us or less.
   */
  version(): number | undefined;

  /** Has `version` look only once, now, until the returned function is called, if looking takes time. */
  lookOnce(): () => void;

  /** Runs a read-only script in one snapshot. */
  read<Result>(script: () => Script<Result>): Promise<Result>;

  /**
   * Runs a script in a serialised transaction, and commits it. When the promise resolves, the
   * change is durable. When it rejects, nothing was changed, unless the error says that it may have
   * been. A script that throws changes nothing; after a conflict with another process it runs again.
   *
   * @param committed Called when the change is durable, before any other read or write.
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
   * Writes a consistent copy, while others write, to a new SQLite file. The file appears once it is
   * complete, checked and on the disk.
   *
   * @param check Receives the copy.
   * @throws `UNSUPPORTED` for a database that has its own backup tools.
   */
  copyTo(path: string, check: (copy: Database) => Promise<void>): Promise<void>;

  close(): Promise<void>;
}
