import {
  AccessDeniedError,
  KeyWrapError,
  type KeyWrapErrorOptions,
  ProviderUnavailableError,
} from '@keywrap/core';

/**
 * A file of a key store is not what the store wrote: changed, cut short, missing, exchanged for
 * another, or an older one put back. Nothing was written. Restore a backup; {@link file} says what to
 * look at.
 *
 * Its code is `UNAVAILABLE`, as for any key that a backend can't use just now, but `retryable` is
 * false: it does not mend itself.
 *
 * @example
 * ```ts
 * import { DamagedStoreError } from '@keywrap/provider-local/file-store';
 *
 * const damagedFileOf = (error: unknown): string | undefined =>
 *   error instanceof DamagedStoreError ? error.file : undefined;
 * ```
 */
export class DamagedStoreError extends KeyWrapError {
  override readonly code = 'UNAVAILABLE';
  /** The path of the file, absolute; or the name that it has inside a backup. */
  readonly file: string;

  /**
   * @param file See {@link file}.
   * @param problem What is wrong with it, as the rest of a sentence that begins with the file.
   */
  constructor(file: string, problem: string, options?: KeyWrapErrorOptions) {
    const key = options?.keyId === undefined ? '' : `key ${options.keyId}: `;
    super(`${key}${file} ${problem}; restore the store from a backup`, options);
    this.file = file;
  }
}

/** What the operating system says when there is no room, and not that the store is at fault. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * Turns what a file operation threw into a typed error that says what to do.
 *
 * @param error Whatever was thrown; a `KeyWrapError` stays as it is.
 * @param what What was being done, as the end of "could not ...".
 */
export function explainFileError(error: unknown, what: string): KeyWrapError {
  if (error instanceof KeyWrapError) return error;
  const code = errorCode(error) ?? 'unknown error';
  const options = { cause: error };
  if (FULL.has(code)) {
    return new ProviderUnavailableError(
      `could not ${what}: the disk is full (${code}); make room and try again`,
      options,
    );
  }
  if (FORBIDDEN.has(code)) {
    return new AccessDeniedError(
      `could not ${what}: not allowed, or mounted read-only (${code}); check owner, mode and mount`,
      options,
    );
  }
  return new ProviderUnavailableError(`could not ${what}: ${code}`, options);
}

/** The name that the operating system gives an error: `ENOENT`, `EEXIST`, ... */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** For `.catch()`: a file that is not there is no error. */
export function ifMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error;
}
