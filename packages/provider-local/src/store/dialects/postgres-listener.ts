import { randomUUID } from 'node:crypto';
import { platformTimers } from '@keywrap/core';
import type { Client } from 'pg';
import type { Statement } from '../dialect.js';

const CHANNEL = 'keywrap_store';

/** The interval between proofs that no notification was missed, in milliseconds. */
const ASK_AFTER = 500;
/** How long a proof is valid: changes of other processes are seen within this time, even if the network fails. */
const HOLDS_FOR = 2_000;

const RECONNECT_AFTER = 100;
const RECONNECT_AT_MOST_AFTER = 5_000;

/**
 * Listens for changes that others commit (postgresql.org/docs/current/sql-notify.html). Notifications arrive within
 * milliseconds. A lost connection is detected within {@link HOLDS_FOR}, even without an error.
 */
export class PostgresListener {
  readonly #newClient: () => Client;
  #client: Client | undefined;
  #version = 1;
  /** The time at which the last answered query was sent. */
  #heard = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  readonly #own = new Set<string>();
  #delay = RECONNECT_AFTER;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  readonly #now: () => number;

  /**
   * @param newClient Makes a connection that is not connected yet.
   * @param now The clock, in milliseconds.
   */
  constructor(newClient: () => Client, now: () => number = platformTimers.now) {
    this.#newClient = newClient;
    this.#now = now;
  }

  /** A number that changes when others have changed something; undefined while that is unknown. */
  version(): number | undefined {
    const age = this.#now() - this.#heard;
    if (age > ASK_AFTER) void this.#ask();
    return age > HOLDS_FOR ? undefined : this.#version;
  }

  /** Returns the statement that notifies the others of a change, to be run in its transaction. */
  announcement(): { readonly statement: Statement; readonly name: string } {
    const name = randomUUID();
    if (this.#client !== undefined) this.#own.add(name);
    const sql = `select pg_notify('${CHANNEL}', ?1)`;
    return { statement: { sql, parameters: [name] }, name };
  }

  /** Call it after a change of our own whose outcome is unknown. */
  mayHaveChanged(name: string): void {
    this.#own.delete(name);
    this.#version++;
  }

  /** Connects; if that fails, tries again later. */
  async connect(): Promise<void> {
    const client = this.#newClient();
    const lose = () => this.#lose(client);
    client.on('error', lose);
    client.on('end', lose);
    client.on('notification', ({ payload = '' }) => {
      if (!this.#own.delete(payload)) this.#version++;
    });
    this.#client = client;
    const now = this.#now();
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      if (!(await isDirect(client))) {
        // Nothing would be delivered, and it would keep the process alive.
        if (client === this.#client) this.#client = undefined;
        await client.end();
        return;
      }
    } catch {
      lose();
      return;
    }
    if (this.#client !== client) return;
    // Its end need not be awaited.
    (client as Unreferenced).unref();
    this.#version++;
    this.#heard = now;
    this.#delay = RECONNECT_AFTER;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    platformTimers.clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#heard = Number.NEGATIVE_INFINITY;
    // Closing waits for it: a process must not end while it runs.
    (client as Unreferenced | undefined)?.ref();
    await client?.end();
  }

  /** Results and notifications arrive in order: a result proves that all notifications sent before the query arrived. */
  async #ask(): Promise<void> {
    const client = this.#client;
    if (client === undefined || this.#isAsking || this.#heard === Number.NEGATIVE_INFINITY) return;
    this.#isAsking = true;
    const now = this.#now();
    try {
      const isProof = await isDirect(client);
      if (isProof && client === this.#client) this.#heard = now;
    } catch {
      this.#lose(client);
    } finally {
      this.#isAsking = false;
    }
  }

  #lose(client: Client): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    this.#heard = Number.NEGATIVE_INFINITY;
    this.#own.clear();
    void client.end().catch(() => {});
    if (this.#isClosed) return;
    this.#timer = platformTimers.setTimeout(
      () => void this.connect(),
      this.#delay,
    ) as NodeJS.Timeout;
    this.#timer.unref();
    this.#delay = Math.min(2 * this.#delay, RECONNECT_AT_MOST_AFTER);
  }
}

/** The members of a client that @types/pg omits. */
type Unreferenced = Client & { ref(): void; unref(): void; readonly processID: number | null };

/**
 * Tells whether queries run in the session that listens. A pooler such as PgBouncer lends a session for one transaction,
 * accepts `listen`, and delivers nothing: then nothing is known to be current, and each call queries the database.
 */
async function isDirect(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid === (client as Unreferenced).processID;
}
