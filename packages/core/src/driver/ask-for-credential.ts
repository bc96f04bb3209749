import {
  AccessDeniedError,
  InternalError,
  KeyWrapError,
  ProviderUnavailableError,
  ThrottledError,
} from '../provider/errors.js';
import { failureOf } from './classify-error.js';

/** The errors of JavaScript that say that a function has a bug. */
const BUG = /^(?:Type|Reference|Range)Error$/;

/**
 * Returns the error of a credential that could not be fetched, for a backend whose client asks for it.
 *
 * - An outage of the server that was asked ({@link failureOf}) is `ProviderUnavailableError` or `ThrottledError`.
 * - A bug of the function that was called, such as a `TypeError`, is an `InternalError`.
 * - Anything else is an `AccessDeniedError`.
 *
 * @param error What was thrown.
 * @param problem Says what was asked, such as `the function of options.token failed`.
 * @param cause What is attached in place of `error`, which may quote a credential.
 *
 * @example
 * ```ts
 * import { credentialErrorOf } from '@keywrap/core';
 *
 * async function tokenOf(source: () => Promise<string>): Promise<string> {
 *   try {
 *     return await source();
 *   } catch (error) {
 *     throw credentialErrorOf(error, 'the function of options.token failed');
 *   }
 * }
 * ```
 */
export function credentialErrorOf(
  error: unknown,
  problem: string,
  cause: unknown = error,
): KeyWrapError {
  if (error instanceof KeyWrapError && error.retryable) return error;
  const name = String((Object(error) as { readonly name?: unknown }).name);
  const code = failureOf(error)?.code;
  if (code === 'THROTTLED') {
    return new ThrottledError(`${problem}: too many requests; see the cause`, { cause });
  }
  if (code === 'UNAVAILABLE') {
    return new ProviderUnavailableError(`${problem}: an outage; see the cause`, { cause });
  }
  return BUG.test(name)
    ? new InternalError(`${problem}: a ${name}, which is a bug; see the cause`, { cause })
    : new AccessDeniedError(`${problem}; see the cause`, { cause });
}

/**
 * Calls a caller's function that returns a credential, such as a token or a PIN. The error never repeats what it returned.
 *
 * @param field The option that the function is.
 * @param isValid Tells whether the backend can have such a credential.
 * @throws {@link AccessDeniedError} when the function fails, or returns something else. An outage of the server that it asks
 * and a bug are reported as what they are ({@link credentialErrorOf}).
 */
export async function askForCredential(
  source: () => unknown,
  field: string,
  isValid: (text: string) => boolean,
): Promise<string> {
  let credential: unknown;
  try {
    credential = await source();
  } catch (error) {
    throw credentialErrorOf(error, `the function of ${field} failed`);
  }
  if (typeof credential === 'string' && isValid(credential)) return credential;
  throw new AccessDeniedError(`the function of ${field} did not return a valid credential`);
}
