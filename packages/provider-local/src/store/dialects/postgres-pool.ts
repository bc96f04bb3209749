import { InvalidInputError, UnsupportedOperationError } from '@keywrap/core';
import type { Client, ClientConfig, Pool, PoolClient } from 'pg';
import type { Row, SqlValue, Statement } from '../dialect.js';
import { explainFileError } from '../errors.js';
import { explainPostgresError, isRejection } from './postgres-errors.js';

/** How many connections one store uses at once, beside the one that listens. */
const CONNECTIONS = 4;
const CONNECT_TIMEOUT = 10_000;
/** How long to wait for an answer, beyond the wait for a lock, in milliseconds. */
const ANSWER_TIMEOUT = 10_000;

/** The connections to one database. */
export class PostgresPool {
  /** What errors call it: a URL without the password. */
  readonly location: string;
  readonly #pg: typeof import('pg');
  readonly #config: ClientConfig;
  readonly #pool: Pool;

  private constructor(pg: typeof import('pg'), config: ClientConfig, location: string) {
    this.#pg = pg;
    this.#config = config;
    this.location = location;
    this.#pool = new pg.Pool({ ...config, max: CONNECTIONS, allowExitOnIdle: true });
    // An idle connection was lost: the next one is a new one.
    this.#pool.on('error', () => {});
    // Also while a connection is being closed that was lost: nobody else listens then, and Node.js would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /**
   * @param url As pg takes it, with its parameters for TLS.
   * @param lockTimeout In milliseconds.
   */
  static async at(url: string, lockTimeout: number): Promise<PostgresPool> {
    const pg = await loadPg();
    const config: ClientConfig = {
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      query_timeout: lockTimeout + ANSWER_TIMEOUT,
      lock_timeout: lockTimeout,
      keepAlive: true,
      pipeline: true,
      fallback_application_name: 'keywrap',
      types: { getTypeParser: parserOf as never },
    };
    try {
      const { user = '', host, port, database = '' } = new pg.Client(config);
      const [name, of] = [encodeURIComponent(user), encodeURIComponent(host)];
      return new PostgresPool(
        pg,
        config,
        `postgres://${name}@${of.replaceAll('%3A', ':')}:${port}/${encodeURIComponent(database)}`,
      );
    } catch (error) {
      // A certificate or its key; nothing else is read here.
      if ((error as NodeJS.ErrnoException).syscall !== undefined) {
        throw explainFileError(error, 'read a file that the URL of PostgreSQL names');
      }
      // What was thrown may have the URL in it, and with it the password.
      throw new InvalidInputError(
        'location',
        'is not a URL of PostgreSQL: write postgres://USER@HOST/DATABASE, with special characters percent-encoded',
      );
    }
  }

  /** A connection of its own, not connected yet. */
  newClient(): Client {
    return new this.#pg.Client({ ...this.#config, pipeline: false });
  }

  /** Lends a connection; it is closed afterwards when it was lost, or a transaction could not be ended. */
  async use<Result>(work: (session: PostgresSession) => Promise<Result>): Promise<Result> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw explainPostgresError(error, this.location);
    }
    const session = new PostgresSession(client, this.location);
    client.on('error', session.lose);
    try {
      return await work(session);
    } finally {
      void session.end().then((isLost) => {
        client.off('error', session.lose);
        client.release(isLost);
      });
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** A connection that nobody else uses. */
export class PostgresSession {
  readonly #client: PoolClient;
  readonly #location: string;
  #isLost = false;
  #isInTransaction = false;

  constructor(client: PoolClient, location: string) {
    this.#client = client;
    this.#location = location;
  }

  /** Called when the connection was lost. */
  readonly lose = (): void => {
    this.#isLost = true;
  };

  /** Runs statements in one round trip. Each of them fails once one has failed. @returns The rows of each. */
  async run(statements: readonly Statement[]): Promise<Row[][]> {
    this.#isInTransaction = true;
    // pg sends them all before it waits, as its option `pipeline` says.
    const answers = await Promise.allSettled(
      statements.map(({ sql, parameters }) =>
        this.#client.query<Row>(numbered(sql), parameters.map(checked)),
      ),
    );
    const rows: Row[][] = [];
    for (const answer of answers) {
      if (answer.status === 'fulfilled') rows.push(answer.value.rows);
      else {
        if (!isRejection(answer.reason)) this.lose();
        throw explainPostgresError(answer.reason, this.#location);
      }
    }
    return rows;
  }

  /** As {@link run}, with a commit at the end. */
  async commit(statements: readonly Statement[]): Promise<void> {
    await this.run([...statements, { sql: 'commit', parameters: [] }]);
    this.#isInTransaction = false;
  }

  /** Whether the connection failed, so that nobody knows what became of what was sent last. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Ends a transaction that was not committed. @returns Whether the connection can't be used again. */
  async end(): Promise<boolean> {
    if (this.#isInTransaction && !this.#isLost) {
      await this.run([{ sql: 'rollback', parameters: [] }]).catch(this.lose);
    }
    return this.#isLost;
  }
}

/** PostgreSQL numbers parameters with `$`. */
function numbered(sql: string): string {
  return sql.replaceAll('?', '$');
}

/** PostgreSQL has no text with NUL; a lone surrogate is none in UTF-8, and would come back as another character. */
function checked(value: SqlValue): SqlValue {
  if (typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'))) return value;
  throw new InvalidInputError('name', 'has characters that PostgreSQL cannot store');
}

// Object identifiers of types (postgresql.org/docs/current/datatype-oid.html).
const BYTEA = 17;
const INT8 = 20;
const INT4 = 23;

/** How the text of a value of this type is read; other types than the store's stay text, which its checks reject. */
function parserOf(type: number): (text: string) => unknown {
  if (type === INT8 || type === INT4) return Number;
  if (type === BYTEA) return (text) => Buffer.from(text.slice('\\x'.length), 'hex');
  return (text) => text;
}

async function loadPg(): Promise<typeof import('pg')> {
  try {
    return await import('pg');
  } catch (cause) {
    throw new UnsupportedOperationError('a key store in PostgreSQL needs pg: run npm install pg', {
      cause,
    });
  }
}
