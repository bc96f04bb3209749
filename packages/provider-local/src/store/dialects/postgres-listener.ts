import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { Statement } from '../dialect.js';

const CHANNEL = 'keywrap_store';

/** How long after the last proof that nothing was missed the next one is asked for, in milliseconds. */
const ASK_AFTER = 500;
/** How long a proof holds: the bound within which changes of other processes are seen, whatever the network does. */
const HOLDS_FOR = 2_000;

const RECONNECT_AFTER = 100;
const RECONNECT_AT_MOST_AFTER = 5_000;

/**
 * Hears of the changes that others commit (postgresql.org/docs/current/sql-notify.html): they are told of within
 * milliseconds. A connection that was lost is noticed within {@link HOLDS_FOR}, also when nothing said so.
 */
export class PostgresListener {
  readonly #newClient: () => Client;
  #client: Client | undefined;
  #version = 1;
  /** When the last question was asked that was answered. */
  #heard = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  readonly #own = new Set<string>();
  #delay = RECONNECT_AFTER;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param newClient Makes a connection that is not connected yet. */
  constructor(newClient: () => Client) {
    this.#newClient = newClient;
  }

  /** Another number once others have changed something; undefined while nobody knows. */
  version(): number | undefined {
    const age = performance.now() - this.#heard;
    if (age > ASK_AFTER) void this.#ask();
    return age > HOLDS_FOR ? undefined : this.#version;
  }

  /** The statement that tells the others of a change, to be run in its transaction. */
  announcement(): { readonly statement: Statement; readonly name: string } {
    const name = randomUUID();
    if (this.#client !== undefined) this.#own.add(name);
    return {
      statement: { sql: `select pg_notify('${CHANNEL}', ?1)`, parameters: [name] },
      name,
    };
  }

  /** After a change of our own of which nobody knows whether it was made, or still will be. */
  mayHaveChanged(name: string): void {
    this.#own.delete(name);
    this.#version++;
  }

  /** Connects; where that fails, tries again later. */
  async connect(): Promise<void> {
    const client = this.#newClient();
    const lose = () => this.#lose(client);
    client.on('error', lose);
    client.on('end', lose);
    client.on('notification', ({ payload = '' }) => {
      if (!this.#own.delete(payload)) this.#version++;
    });
    this.#client = client;
    const now = performance.now();
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      if (!(await isDirect(client))) return;
    } catch {
      lose();
      return;
    }
    if (this.#client !== client) return;
    // Nobody has to wait for it to end.
    (client as Unreferenced).unref();
    this.#version++;
    this.#heard = now;
    this.#delay = RECONNECT_AFTER;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#heard = Number.NEGATIVE_INFINITY;
    // Closing is awaited: a process must not end with it under way.
    (client as Unreferenced | undefined)?.ref();
    await client?.end();
  }

  /** An answer proves that all notifications that were sent before the question have come: both come in order. */
  async #ask(): Promise<void> {
    const client = this.#client;
    if (client === undefined || this.#isAsking || this.#heard === Number.NEGATIVE_INFINITY) return;
    this.#isAsking = true;
    const now = performance.now();
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
    this.#timer = setTimeout(() => void this.connect(), this.#delay);
    this.#timer.unref();
    this.#delay = Math.min(2 * this.#delay, RECONNECT_AT_MOST_AFTER);
  }
}

/** What @types/pg does not say of a client. */
type Unreferenced = Client & { ref(): void; unref(): void; readonly processID: number | null };

/**
 * Whether the session that listens is the one that is asked. A pooler such as PgBouncer lends a session for one transaction,
 * takes `listen`, and delivers nothing: then nobody knows what is current, and each call asks the database.
 */
async function isDirect(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid === (client as Unreferenced).processID;
}
