import { statSync } from 'node:fs';
import { UnsupportedOperationError } from '@keywrap/core';
import type { Row, SqlValue } from '../dialect.js';

// The parts of node:sqlite that are used here; @types/node 20 lacks them.

/** A prepared statement. */
export interface SqliteStatement {
  all(...parameters: SqlValue[]): Row[];
  get(...parameters: SqlValue[]): Row | undefined;
  run(...parameters: SqlValue[]): unknown;
  setReadBigInts(enabled: boolean): void;
}

/** An open database of `node:sqlite`. */
export interface SqliteHandle {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** The exports of `node:sqlite`. */
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
 * Loads SQLite: that of Node.js if it is new enough, otherwise `@photostructure/sqlite`.
 *
 * @throws {@link UnsupportedOperationError} that says what to install.
 */
export function loadSqlite(): Promise<SqliteBinding> {
  loading ??= isNewEnough(process.versions.sqlite)
    ? Promise.resolve(loadBuiltIn() as SqliteBinding)
    : loadPackage();
  return loading;
}

/** @param version For example `3.51.3`; undefined if Node.js has no SQLite. */
export function isNewEnough(version: string | undefined): boolean {
  if (version === undefined) return false;
  const parts = version.split('.').map(Number);
  for (const [index, minimum] of MINIMUM_VERSION.entries()) {
    const part = parts[index] ?? 0;
    if (part !== minimum) return part > minimum;
  }
  return true;
}

/** Node 22 prints a warning that SQLite is experimental. */
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
  // Node.js 20 does not resolve symbolic links, which pnpm installs, while the last file it looked at
  // was a pipe, for example with a passphrase: realpathSync uses the result of the last stat.
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
