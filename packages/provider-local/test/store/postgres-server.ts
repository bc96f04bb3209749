import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';

// A separate PostgreSQL server, in a temporary folder, for tests.

const DEBIAN = '/usr/lib/postgresql';
export const PASSWORD = 'p@ss/word:1';
const ENVIRONMENT = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };

/** Why there is none here; undefined where there is one. */
export function missingPostgres(): string | undefined {
  if (process.platform === 'win32') return 'the tests start no PostgreSQL on Windows';
  if (binaries() !== undefined) return undefined;
  return 'PostgreSQL is not installed: on Debian, apt-get install postgresql';
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

export class PostgresServer {
  readonly #folder: string;
  readonly #user: Ids | undefined;
  #port = 0;
  #process: ChildProcess | undefined;
  #schemas = 0;

  private constructor(folder: string, user: Ids | undefined) {
    this.#folder = folder;
    this.#user = user;
  }

  /** Makes a server and starts it. @param parent Where its folder is made. */
  static async start(parent = tmpdir()): Promise<PostgresServer> {
    const folder = mkdtempSync(path.join(parent, 'keywrap-postgres-'));
    // PostgreSQL does not run as root.
    const user = process.getuid?.() === 0 ? (idsOf('postgres') ?? idsOf('nobody')) : undefined;
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    const server = new PostgresServer(folder, user);
    const passwordFile = path.join(folder, 'password');
    writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o644 });
    execFileSync(
      program('initdb'),
      ['--pgdata', server.#data, '--username=keywrap', `--pwfile=${passwordFile}`].concat([
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--no-locale',
        '--no-sync',
      ]),
      { ...server.#user, env: ENVIRONMENT, cwd: folder, stdio: 'pipe' },
    );
    await server.restart();
    return server;
  }

  get port(): number {
    return this.#port;
  }

  /** @param schema Its tables are this store's own. */
  url(schema?: string): string {
    const password = encodeURIComponent(PASSWORD);
    const options = schema === undefined ? '' : `?options=-c%20search_path%3D${schema}`;
    return `postgres://keywrap:${password}@127.0.0.1:${this.#port}/postgres${options}`;
  }

  /** The URL of an empty schema. */
  async newUrl(): Promise<string> {
    const schema = `test_${this.#schemas++}`;
    await this.query(`create schema ${schema}`);
    return this.url(schema);
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url() });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Waits until no client is connected. */
  async settle(): Promise<void> {
    const others = `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
    while ((await this.query(others)).length > 0) await new Promise((done) => setTimeout(done, 5));
  }

  /** Kills it as a crash of the machine would: without a moment to write anything. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Starts it again, on the same port, after {@link kill}. */
  async restart(): Promise<void> {
    for (;;) {
      const port = this.#port || (await freePort());
      if (!(await this.#start(port))) continue;
      this.#port = port;
      return;
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return path.join(this.#folder, 'data');
  }

  /** @returns False where the port was taken meanwhile, or processes of a killed server are still there. */
  async #start(port: number): Promise<boolean> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      max_connections: 100,
    };
    const child = spawn(
      program('postgres'),
      ['-D', this.#data].concat(
        Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ),
      { ...this.#user, env: ENVIRONMENT, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process = child;
    let said = '';
    const isReady = await new Promise<boolean>((resolve) => {
      child.once('exit', () => resolve(false));
      child.stderr?.on('data', (data) => {
        if (said.length < 10_000) said += data;
        if (String(data).includes('ready to accept connections')) resolve(true);
      });
    });
    if (!isReady && !/in use|still running/.test(said)) throw new Error(said);
    return isReady;
  }

  async #end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

function binaries(): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  if (existsSync(DEBIAN)) {
    // The newest first.
    const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
    folders.push(...versions.map((version) => path.join(DEBIAN, version, 'bin')));
  }
  return folders.find((folder) =>
    ['initdb', 'postgres'].every((name) => existsSync(path.join(folder, name))),
  );
}

function program(name: string): string {
  return path.join(binaries() as string, name);
}

function idsOf(user: string): Ids | undefined {
  try {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: 'pipe' })),
    );
    return { uid: uid as number, gid: gid as number };
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
