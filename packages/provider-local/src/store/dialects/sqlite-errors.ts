import { AccessDeniedError, KeyWrapError, ProviderUnavailableError } from '@keywrap/core';
import { DamagedStoreError, diskFull } from '../errors.js';

// Result codes of SQLite (sqlite.org/rescode.html); the low eight bits of an extended one.
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** SQLite's messages and their codes: @photostructure/sqlite 1.2 omits the code from errors of `all`. */
const MESSAGES = new Map([
  ['database is locked', BUSY],
  ['database table is locked', LOCKED],
  ['attempt to write a readonly database', READONLY],
  ['disk I/O error', IOERR],
  ['database disk image is malformed', CORRUPT],
  ['database or disk is full', FULL],
  ['unable to open database file', CANTOPEN],
  ['file is not a database', NOTADB],
]);

/** No room for the index of the WAL. */
const IOERR_SHMSIZE = 4874;

/** Returns the result code of an SQLite error, 0 for an unknown one; undefined for any other error. */
function codeOf(error: unknown): number | undefined {
  const { code, errcode, sqliteExtendedCode, message } = error as Record<string, unknown>;
  if (code !== 'ERR_SQLITE_ERROR') return undefined;
  const extended = Number(sqliteExtendedCode ?? errcode ?? MESSAGES.get(String(message)) ?? 0);
  return extended === IOERR_SHMSIZE ? FULL : extended & 0xff;
}

/** Tells whether another process holds a lock. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === BUSY || code === LOCKED;
}

/** Tells whether the disk was full; SQLite has rolled back. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === FULL;
}

/** Tells whether the index of the WAL can't be created: the disk is read-only or full. */
export function isWithoutIndex(error: unknown): boolean {
  const code = codeOf(error);
  return code === CANTOPEN || code === READONLY || code === FULL;
}

/** Makes an error that is handled as a lock of another process: the work is tried again. */
export function changedMeanwhile(): Error {
  return Object.assign(new Error('changed while it was read'), {
    code: 'ERR_SQLITE_ERROR',
    errcode: BUSY,
  });
}

/** Tells whether the disk failed, which leaves its content unknown. */
export function isDiskFailure(error: unknown): boolean {
  return codeOf(error) === IOERR;
}

/** Converts an error of SQLite into a typed error that says what to do; others are returned unchanged. */
export function explainSqliteError(error: unknown, path: string): unknown {
  if (error instanceof KeyWrapError) return error;
  const options = { cause: error };
  switch (codeOf(error)) {
    case undefined:
      return error;
    case READONLY:
    case CANTOPEN:
      return new AccessDeniedError(
        `could not open or change ${path}: not allowed, or mounted read-only; check owner, mode and mount of the file and of its folder`,
        options,
      );
    case FULL:
      return diskFull(`change ${path}`, options);
    case NOTADB:
      return new DamagedStoreError(path, 'is not a database, or its first page was overwritten', {
        ...options,
        advice: 'check the path, or restore the store from a backup',
      });
    case CORRUPT:
      return new DamagedStoreError(path, 'is a malformed database', options);
    default:
      return new ProviderUnavailableError(
        `could not use ${path}: SQLite reports ${(error as Error).message}`,
        options,
      );
  }
}
