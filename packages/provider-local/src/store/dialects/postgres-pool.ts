import { InvalidInputError, UnsupportedOperationError } from '@keywrap/core';
import type { Client, ClientConfig, Pool, PoolClient } from 'pg';
import type { Row, SqlValue, Statement } from '../dialect.js';
import { explainFileError } from '../errors.js';
import { explainPostgresError, isRejection } from './postgres-errors.js';

/** Most connections of one store, in addition to the one that listens. */
const CONNECTIONS = 4;
const CONNECT_TIMEOUT = 10_000;
/** Longest wait for a response, beyond the wait for a lock, in milliseconds. */
const RESPONSE_TIMEOUT = 10_000;

/** The connections to one database. */
export class PostgresPool {
  /** Names the database in errors: a URL without the password. */
  readonly location: string;
  readonly #pg: typeof import('pg');
  readonly #config: ClientConfig;
  readonly #pool: Pool;

  private constructor(pg: typeof import('pg'), config: ClientConfig, location: string) {
    this.#pg = pg;
    this.#config = config;
    this.location = location;
    this.#pool = new pg.Pool({ ...config, max: CONNECTIONS, allowExitOnIdle: true });
    // An idle connection was lost; the pool opens a new one.
    this.#pool.on('error', () => {});
    // Also while a connection is being closed that was lost: nobody else listens then, and Node.js would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /**
   * @param url In the form that pg accepts, with its parameters for TLS.
   * @param lockTimeout In milliseconds.
   */
  static async at(url: string, lockTimeout: number): Promise<PostgresPool> {
    const pg = await loadPg();
    const config: ClientConfig = {
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      query_timeout: lockTimeout + RESPONSE_TIMEOUT,
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
      // The error may contain the URL, and with it the password.
      throw new InvalidInputError(
        'location',
        'is not a URL of PostgreSQL: write postgres://USER@HOST/DATABASE, with special characters percent-encoded',
      );
    }
  }

  /** Returns a separate client that is not connected yet. */
  newClient(): Client {
    return new this.#pg.Client({ ...this.#config, pipeline: false });
  }

  /** Lends a connection. It is closed afterwards if it was lost or a transaction could not be ended. */
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

/** A connection for exclusive use. */
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

  /** Runs statements in one round trip. After one fails, all later ones fail. @returns The rows of each. */
  async run(statements: readonly Statement[]): Promise<Row[][]> {
    this.#isInTransaction = true;
    // With its option `pipeline`, pg sends them all before it waits.
    const results = await Promise.allSettled(
      statements.map(({ sql, parameters }) =>
        this.#client.query<Row>(numbered(sql), parameters.map(checked)),
      ),
    );
    const rows: Row[][] = [];
    for (const result of results) {
      if (result.status === 'fulfilled') rows.push(result.value.rows);
      else {
        if (!isRejection(result.reason)) this.lose();
        throw explainPostgresError(result.reason, this.#location);
      }
    }
    return rows;
  }

  /** As {@link run}, with a commit at the end. */
  async commit(statements: readonly Statement[]): Promise<void> {
    await this.run([...statements, { sql: 'commit', parameters: [] }]);
    this.#isInTransaction = false;
  }

  /** Tells whether the connection failed: then the outcome of the last statements is unknown. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Ends a transaction that was not committed. @returns True if the connection can't be used again. */
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

/** PostgreSQL text has no NUL, and UTF-8 has no lone surrogates: they would come back as another character. */
function checked(value: SqlValue): SqlValue {
  if (typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'))) return value;
  throw new InvalidInputError('name', 'has characters that PostgreSQL cannot store');
}

// Object identifiers of types (postgresql.org/docs/current/datatype-oid.html).
const BYTEA = 17;
const INT8 = 20;
const INT4 = 23;

/** Returns the parser of a type. Types that the store does not use stay text, which its checks reject. */
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
