import {
  AccessDeniedError,
  InvalidInputError,
  KeyWrapError,
  type KeyWrapErrorOptions,
  ownFields,
  ProviderUnavailableError,
  registerErrorClass,
} from '@keywrap/core';

/**
 * Reports that a key store is not as it was written: a row was changed, removed or replaced by an old copy,
 * the file was replaced, or it is not a database. Nothing was written. The message names the row.
 *
 * Its code is `UNAVAILABLE`, as for any key that a backend can't use at the moment, but `retryable` is
 * false: trying again does not help.
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
   * @param options With `advice`, what to do about it: by default to restore a backup.
   */
  constructor(
    location: string,
    problem: string,
    options: KeyWrapErrorOptions & { readonly advice?: string } = {},
  ) {
    const { advice = 'restore the store from a backup' } = ownFields(options);
    super(`${location} ${problem}; ${advice}`, options);
    this.location = location;
  }
}

registerErrorClass(DamagedStoreError, 'DamagedStoreError');

/** Error codes of the operating system for a full disk: the store itself is not at fault. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);
/** Error codes of a path that can't name the file that is meant. */
const NO_PLACE = new Set(['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP']);

/**
 * Converts an error of a file operation into a typed error that says what to do.
 *
 * @param error The error that was thrown; a `KeyWrapError`, and an error that the file system did not
 * throw, is returned unchanged.
 * @param what The failed action, as the end of "could not ...".
 */
export function explainFileError(error: unknown, what: string): unknown {
  const code = errorCode(error);
  if (error instanceof KeyWrapError || code === undefined) return error;
  const options = { cause: error };
  if (FULL.has(code)) return diskFull(what, options);
  const problem = `could not ${what}: ${code}`;
  if (NO_PLACE.has(code)) {
    return new InvalidInputError('path', `is wrong: ${problem}; check it`, options);
  }
  if (!FORBIDDEN.has(code)) return new ProviderUnavailableError(problem, options);
  const reason = 'not allowed, or mounted read-only; check owner, mode and mount';
  return new AccessDeniedError(`${problem}, ${reason}`, options);
}

/** Makes the error for a full disk. */
export function diskFull(what: string, options: KeyWrapErrorOptions): KeyWrapError {
  return new ProviderUnavailableError(
    `could not ${what}: the disk is full; nothing was changed; make room and try again`,
    options,
  );
}

/** Returns the operating system's code of an error: `ENOENT`, `EEXIST`, ... */
export function errorCode(error: unknown): string | undefined {
  // Not by its class: in a test runner, errors of Node.js are of another realm.
  const isCoded = typeof error === 'object' && error !== null && 'code' in error;
  return isCoded ? String(error.code) : undefined;
}
