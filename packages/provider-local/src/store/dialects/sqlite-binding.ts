import { statSync } from 'node:fs';
import { UnsupportedOperationError } from '@keywrap/core';
import type { Row, SqlValue } from '../dialect.js';

// @types/node 20 does not know node:sqlite; this is what is used of it.

/** A prepared statement. */
export interface SqliteStatement {
  all(...parameters: SqlValue[]): Row[];
  get(...parameters: SqlValue[]): Row | undefined;
  run(...parameters: SqlValue[]): unknown;
  setReadBigInts(enabled: boolean): void;
}

/** An open database, as `node:sqlite` has it. */
export interface SqliteHandle {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** What `node:sqlite` exports. */
export interface SqliteBinding {
  readonly DatabaseSync: new (location: URL, options: { timeout: number }) => SqliteHandle;
}

/**
 * Before it, a reset of the WAL could corrupt a database (sqlite.org/wal.html, "The WAL-Reset Bug").
 */
const MINIMUM_VERSION = [3, 51, 3] as const;

/**
 * The one binding of this process: two SQLite libraries on one file drop each other's locks
 * (sqlite.org/howtocorrupt.html, 2.2.1).
 */
let loading: Promise<SqliteBinding> | undefined;

/**
 * Loads SQLite: that of Node.js where it is new enough, and `@photostructure/sqlite` elsewhere.
 *
 * @throws {@link UnsupportedOperationError} that says what to install.
 */
export function loadSqlite(): Promise<SqliteBinding> {
  loading ??= isNewEnough(process.versions.sqlite)
    ? Promise.resolve(loadBuiltIn() as SqliteBinding)
    : loadPackage();
  return loading;
}

/** @param version Such as `3.51.3`; undefined where Node.js has no SQLite. */
export function isNewEnough(version: string | undefined): boolean {
  if (version === undefined) return false;
  const parts = version.split('.').map(Number);
  for (const [index, minimum] of MINIMUM_VERSION.entries()) {
    const part = parts[index] ?? 0;
    if (part !== minimum) return part > minimum;
  }
  return true;
}

/** Node 22 warns that SQLite is experimental, on the terminal of whoever starts the program. */
function loadBuiltIn(): unknown {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite' as 'node:fs');
  } finally {
    process.emitWarning = emitWarning;
  }
}

async function loadPackage(): Promise<SqliteBinding> {
  // Node.js 20 resolves no symbolic link, and pnpm installs links, while the last file that it looked
  // at was a pipe, such as one with a passphrase: realpathSync asks what the last stat left behind.
  statSync('.');
  try {
    return (await import('@photostructure/sqlite')) as unknown as SqliteBinding;
  } catch (cause) {
    loading = undefined;
    throw new UnsupportedOperationError(
      `a key store in a file needs SQLite ${MINIMUM_VERSION.join('.')} or later, and Node.js ${process.versions.node} has ${process.versions.sqlite ?? 'none'}: use Node.js 24.15 or later, or run npm install @photostructure/sqlite@1`,
      { cause },
    );
  }
}
