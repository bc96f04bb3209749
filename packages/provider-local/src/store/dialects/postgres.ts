import {
  ProviderClosedError,
  ProviderUnavailableError,
  UnsupportedOperationError,
} from '@keywrap/core';
import type { Database, Dialect, DialectOptions, Row, Script, Statement } from '../dialect.js';
import { PostgresListener } from './postgres-listener.js';
import { PostgresPool, type PostgresSession } from './postgres-pool.js';

const LOCK_TIMEOUT = 20_000;

/** Most statements sent at once. */
const BATCH = 500;

const sql = (text: string): Statement => ({ sql: text, parameters: [] });

const BEGIN_READ = sql('begin isolation level repeatable read read only');
/** A commit is on the disk when it is acknowledged, whatever the server's default. */
const BEGIN_WRITE = [
  'begin isolation level read committed',
  `select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'`,
].map(sql);
/** Serialises changes: each of them changes the store's row. */
const LOCK = sql('select 1 from keywrap_store for update');
const SELECT_STORE = sql(`select to_regclass('keywrap_store')::text as store`);
/** Any number, as long as it is the same for all processes that create a store. */
const CREATION = sql('select pg_advisory_xact_lock(7310315840915205495)');

/** Keeps keys in PostgreSQL, for any number of machines. */
export const postgres: Dialect = {
  types: { text: 'text collate "C"', integer: 'bigint', bytes: 'bytea', tableOptions: '' },

  async open(location, options) {
    const pool = await poolOf(location, options);
    try {
      const [, [found] = []] = await pool.use((session) => session.run([BEGIN_READ, SELECT_STORE]));
      if (typeof found?.store === 'string') {
        const database = new PostgresDatabase(location, options, pool);
        await database.listen();
        return database;
      }
    } catch (error) {
      await pool.close();
      throw error;
    }
    await pool.close();
    return undefined;
  },

  async create(location, options, script) {
    const pool = await poolOf(location, options);
    try {
      await pool.use(async (session) => {
        const [, , , [found] = []] = await session.run([...BEGIN_WRITE, CREATION, SELECT_STORE]);
        if (typeof found?.store === 'string') return;
        const { unsent } = await runScript(session, script(pool), []);
        await session.commit(unsent);
      });
    } finally {
      await pool.close();
    }
  },
};

function poolOf(location: string, { lockTimeout = LOCK_TIMEOUT }: DialectOptions) {
  return PostgresPool.at(location, lockTimeout);
}

/**
 * Runs a script, with one round trip for each step that reads.
 *
 * @param unsent Statements to send before the first of the script.
 * @returns Statements that are not sent yet; they return no rows.
 */
async function runScript<Result>(
  session: PostgresSession,
  script: Script<Result>,
  unsent: Statement[],
): Promise<{ result: Result; unsent: Statement[] }> {
  let step = script.next();
  while (step.done !== true) {
    const statements = step.value;
    unsent = [...unsent, ...statements];
    let rows: Row[][] = statements.map(() => []);
    if (unsent.length >= BATCH || statements.some((one) => one.sql.startsWith('select'))) {
      rows = (await session.run(unsent)).slice(-statements.length);
      unsent = [];
    }
    step = script.next(rows);
  }
  return { result: step.value, unsent };
}

class PostgresDatabase implements Database {
  readonly location: string;
  readonly #url: string;
  readonly #options: DialectOptions;
  readonly #pool: PostgresPool;
  readonly #listener: PostgresListener;
  /** The running change. The next one of this process waits for it here, not in the database. */
  #queue: Promise<unknown> = Promise.resolve();
  readonly #reading = new Set<Promise<unknown>>();
  /** The commit whose response is awaited. */
  #committing: Promise<unknown> | undefined;
  #isClosed = false;

  constructor(url: string, options: DialectOptions, pool: PostgresPool) {
    this.location = pool.location;
    this.#url = url;
    this.#options = options;
    this.#pool = pool;
    this.#listener = new PostgresListener(() => pool.newClient());
  }

  /** Listens for the changes of others: until then, nothing is known to be current. */
  async listen(): Promise<void> {
    if (this.#options.freshness !== 'always') await this.#listener.connect();
  }

  version(): number | undefined {
    return this.#listener.version();
  }

  lookOnce(): () => void {
    return () => {};
  }

  async read<Result>(script: () => Script<Result>): Promise<Result> {
    while (this.#committing !== undefined) await this.#committing;
    this.#assertOpen();
    const reading = this.#pool.use(async (session) => {
      const { result } = await runScript(session, script(), [BEGIN_READ]);
      return result;
    });
    const settled = reading.catch(() => {}).finally(() => this.#reading.delete(settled));
    this.#reading.add(settled);
    return reading;
  }

  async write<Result>(
    script: () => Script<Result>,
    committed: (result: Result) => void,
  ): Promise<Result> {
    const work = this.#queue.then(async () => {
      this.#assertOpen();
      return this.#pool.use((session) => this.#write(session, script(), committed));
    });
    this.#queue = work.catch(() => {});
    return work;
  }

  /** PostgreSQL has a tool of its own for that, for its administrator: amcheck. */
  async checkIndexes(): Promise<void> {}

  async reopen(): Promise<Database> {
    const pool = await poolOf(this.#url, this.#options);
    return new PostgresDatabase(this.#url, this.#options, pool);
  }

  async copyTo(): Promise<void> {
    throw new UnsupportedOperationError(
      'a key store in PostgreSQL is backed up and restored with the tools of PostgreSQL: pg_dump and pg_restore',
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#queue;
    await Promise.all([this.#listener.close(), this.#pool.close()]);
  }

  async #write<Result>(
    session: PostgresSession,
    script: Script<Result>,
    committed: (result: Result) => void,
  ): Promise<Result> {
    const { result, unsent } = await runScript(session, script, [...BEGIN_WRITE, LOCK]);
    // A read returns rows from before the commit, and then ends before it, or newer ones.
    const commit = Promise.all(this.#reading).then(async () => {
      if (unsent.length > 0) await this.#commit(session, unsent);
      committed(result);
    });
    this.#committing = commit.catch(() => {});
    try {
      await commit;
      return result;
    } finally {
      this.#committing = undefined;
    }
  }

  async #commit(session: PostgresSession, statements: readonly Statement[]): Promise<void> {
    const { statement, name } = this.#listener.announcement();
    try {
      await session.commit([...statements, statement]);
    } catch (error) {
      this.#listener.mayHaveChanged(name);
      if (!session.isLost) throw error;
      throw new ProviderUnavailableError(
        `${this.location}: the connection was lost; the change may have been made, so look before you repeat it`,
        { cause: error },
      );
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ProviderClosedError('the key store was closed');
  }
}
