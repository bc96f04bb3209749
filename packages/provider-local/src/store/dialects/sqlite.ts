import path from 'node:path';
import {
  InvalidInputError,
  ProviderClosedError,
  ProviderUnavailableError,
  platformTimers,
} from '@keywrap/core';
import type { Database, Dialect, DialectOptions, Script } from '../dialect.js';
import { DamagedStoreError } from '../errors.js';
import { loadSqlite, type SqliteBinding } from './sqlite-binding.js';
import { SqliteConnection } from './sqlite-connection.js';
import { explainSqliteError, isBusy } from './sqlite-errors.js';
import { assertStoreFile, createFile, identityOf } from './sqlite-file.js';
import { SQLITE_TYPES } from './sqlite-schema.js';

const LOCK_TIMEOUT = 20_000;

/** Keeps keys in an SQLite file, for the processes of one machine. */
export const sqlite: Dialect = {
  types: SQLITE_TYPES,

  async open(location, options) {
    const file = path.resolve(location);
    const binding = await loadSqlite();
    if (!assertStoreFile(file, options.trustedGroup)) return undefined;
    const share = options.readOnly
      ? alone(new SqliteConnection(binding, file, 'read-only'))
      : shareOf(binding, file);
    return new SqliteDatabase(binding, file, options, share);
  },

  async create(location, options, script) {
    const file = path.resolve(location);
    const binding = await loadSqlite();
    await createFile(file, options.trustedGroup, async (unfinished) => {
      const connection = new SqliteConnection(binding, unfinished, 'delete');
      try {
        connection.write(script({ location: file }));
      } catch (error) {
        throw explainSqliteError(error, file);
      } finally {
        connection.close();
      }
    });
  },
};

/**
 * A connection that the stores of one thread share, because two would wait for each other and block the
 * thread.
 */
interface Shared {
  readonly connection: SqliteConnection;
  users: number;
  /** The running change; the next one waits for it. */
  queue: Promise<unknown>;
}

const shared = new Map<string, Shared>();

function alone(connection: SqliteConnection): Shared {
  return { connection, users: 0, queue: Promise.resolve() };
}

function shareOf(binding: SqliteBinding, file: string): Shared {
  const key = String(identityOf(file));
  const share = shared.get(key) ?? alone(new SqliteConnection(binding, file));
  shared.set(key, share);
  return share;
}

class SqliteDatabase implements Database {
  readonly location: string;
  readonly #binding: SqliteBinding;
  readonly #options: DialectOptions;
  readonly #shared: Shared;
  #ownCommits = 0;
  /** The version of the file, while it is looked at only once. */
  #looked: number | undefined;
  #isClosed = false;

  constructor(binding: SqliteBinding, location: string, options: DialectOptions, used: Shared) {
    this.location = location;
    this.#binding = binding;
    this.#options = options;
    this.#shared = used;
    used.users++;
  }

  version(): number | undefined {
    try {
      // Commits of other stores in this thread do not change the version of the handle.
      const { connection } = this.#shared;
      return (this.#looked ?? connection.dataVersion()) + connection.commits - this.#ownCommits;
    } catch {
      return undefined;
    }
  }

  lookOnce(): () => void {
    try {
      this.#looked = this.#shared.connection.dataVersion();
    } catch {
      this.#looked = undefined;
    }
    return () => {
      this.#looked = undefined;
    };
  }

  async read<Result>(script: () => Script<Result>): Promise<Result> {
    return this.#untilUnlocked(() => this.#shared.connection.read(script()));
  }

  async write<Result>(
    script: () => Script<Result>,
    committed: (result: Result) => void,
  ): Promise<Result> {
    const { connection, queue } = this.#shared;
    const work = queue.then(() =>
      this.#untilUnlocked(() => {
        const result = connection.write(script());
        this.#ownCommits++;
        committed(result);
        return result;
      }),
    );
    this.#shared.queue = work.catch(() => {});
    return work;
  }

  async checkIndexes(): Promise<void> {
    const found = await this.read(function* (): Script<unknown> {
      const [[row] = []] = yield [{ sql: 'pragma integrity_check(1)', parameters: [] }];
      return row?.integrity_check;
    });
    if (found === 'ok') return;
    throw new DamagedStoreError(this.location, `is damaged: SQLite reports ${String(found)}`);
  }

  async reopen(): Promise<Database> {
    const connection = new SqliteConnection(this.#binding, this.location);
    return new SqliteDatabase(this.#binding, this.location, this.#options, alone(connection));
  }

  async copyTo(location: string, check: (copy: Database) => Promise<void>): Promise<void> {
    const file = path.resolve(location);
    const isNew = await createFile(file, this.#options.trustedGroup, async (unfinished) => {
      await this.#untilUnlocked(() => this.#shared.connection.copyInto(unfinished));
      const connection = new SqliteConnection(this.#binding, unfinished, 'delete');
      const copy = new SqliteDatabase(
        this.#binding,
        this.location,
        this.#options,
        alone(connection),
      );
      try {
        await check(copy);
      } finally {
        await copy.close();
      }
    });
    if (isNew) return;
    throw new InvalidInputError('path', `${file} exists already; name a new file`);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#shared.queue;
    if (--this.#shared.users > 0) return;
    for (const [key, one] of shared) if (one === this.#shared) shared.delete(key);
    try {
      this.#shared.connection.close();
    } catch (error) {
      throw explainSqliteError(error, this.location);
    }
  }

  /** Retries work while another process holds a lock, without blocking the thread. */
  async #untilUnlocked<Result>(work: () => Result): Promise<Result> {
    const { lockTimeout = LOCK_TIMEOUT } = this.#options;
    const start = platformTimers.now();
    for (;;) {
      if (this.#isClosed) throw new ProviderClosedError('the key store was closed');
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw explainSqliteError(error, this.location);
        if (platformTimers.now() - start >= lockTimeout) {
          throw new ProviderUnavailableError(
            `${this.location} was locked by another process for ${lockTimeout} ms; nothing was changed`,
            { cause: error },
          );
        }
      }
      await new Promise<void>((resolve) =>
        platformTimers.setTimeout(resolve, 1 + 4 * Math.random()),
      );
    }
  }
}
