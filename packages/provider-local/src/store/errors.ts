import {
  AccessDeniedError,
  InvalidInputError,
  KeyWrapError,
  type KeyWrapErrorOptions,
  ProviderUnavailableError,
} from '@keywrap/core';

/**
 * Something in a key store is not what the store wrote: a row was changed, removed or put back, the file
 * was replaced by another, or it is no database. Nothing was written. The message names the row.
 *
 * Its code is `UNAVAILABLE`, as for any key that a backend can't use just now, but `retryable` is
 * false: it does not heal.
 *
 * @example
 * ```ts
 * import { DamagedStoreError } from '@keywrap/provider-local/store';
 *
 * const damagedStoreOf = (error: unknown): string | undefined =>
 *   error instanceof DamagedStoreError ? error.location : undefined;
 * ```
 */
export class DamagedStoreError extends KeyWrapError {
  override readonly code = 'UNAVAILABLE';
  /** The path of the file, or the URL of the database without its password. */
  readonly location: string;

  /**
   * @param location See {@link location}.
   * @param problem The rest of a sentence that begins with the location.
   * @param advice What to do about it.
   */
  constructor(
    location: string,
    problem: string,
    options?: KeyWrapErrorOptions,
    advice = 'restore the store from a backup',
  ) {
    super(`${location} ${problem}; ${advice}`, options);
    this.location = location;
  }
}

/** What the operating system says when there is no room, and not that the store is at fault. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);
/** What it says when a path can't name the file that is meant. */
const NO_PLACE = new Set(['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP']);

/**
 * Turns what a file operation threw into a typed error that says what to do.
 *
 * @param error Whatever was thrown; a `KeyWrapError`, and what the file system did not throw, stays
 * as it is.
 * @param what What was being done, as the end of "could not ...".
 */
export function explainFileError(error: unknown, what: string): unknown {
  const code = errorCode(error);
  if (error instanceof KeyWrapError || code === undefined) return error;
  const options = { cause: error };
  if (FULL.has(code)) return diskFull(what, options);
  if (FORBIDDEN.has(code)) {
    return new AccessDeniedError(
      `could not ${what}: not allowed, or mounted read-only (${code}); check owner, mode and mount`,
      options,
    );
  }
  if (NO_PLACE.has(code)) {
    return new InvalidInputError(
      'path',
      `is wrong: could not ${what} (${code}); check it`,
      options,
    );
  }
  return new ProviderUnavailableError(`could not ${what}: ${code}`, options);
}

/** The error for a disk without room. */
export function diskFull(what: string, options: KeyWrapErrorOptions): KeyWrapError {
  return new ProviderUnavailableError(
    `could not ${what}: the disk is full; nothing was changed; make room and try again`,
    options,
  );
}

/** The name that the operating system gives an error: `ENOENT`, `EEXIST`, ... */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
