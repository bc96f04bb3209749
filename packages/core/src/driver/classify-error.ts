import {
  AbortError,
  AccessDeniedError,
  InternalError,
  KeyWrapError,
  type KeyWrapErrorOptions,
  ProviderUnavailableError,
  ThrottledError,
} from '../provider/errors.js';
import { ownField } from '../provider/own-fields.js';
import type { KeyWrapDriver } from './driver.js';
import type { Call } from './requests.js';

/** The codes of Node.js, getaddrinfo and undici for a backend that can't be reached or does not respond. */
const OUTAGE_CODES: ReadonlySet<string> = new Set(
  `EADDRNOTAVAIL EAI_AGAIN EAI_FAIL EAI_NODATA EAI_NONAME ECONNABORTED ECONNREFUSED ECONNRESET
   EHOSTDOWN EHOSTUNREACH ENETDOWN ENETRESET ENETUNREACH ENODATA ENOTCONN ENOTFOUND EPIPE
   ESERVFAIL ESOCKETTIMEDOUT ETIMEDOUT ETIMEOUT UND_ERR_BODY_TIMEOUT UND_ERR_CONNECT_TIMEOUT
   UND_ERR_HEADERS_TIMEOUT UND_ERR_SOCKET`.split(/\s+/),
);

/** The maximum depth of causes to search: real errors are not deeper, and a cycle must end. */
const DEPTH = 8;

/** Makes the error of a call that its caller aborted. */
export function abortError(signal: AbortSignal): AbortError {
  return new AbortError('the call was aborted', { cause: reasonOf(signal) });
}

/** Returns the reason of a caller's signal, or what a getter of it threw. */
export function reasonOf(signal: AbortSignal): unknown {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
}

/**
 * Classifies what a driver threw: an abort first, then a `KeyWrapError` as it is, then what `mapError` returns.
 * Anything else is classified by its code or HTTP status, and is an {@link InternalError} without one that is known.
 */
export function classifyError(
  error: unknown,
  step: string,
  driver: { readonly mapError?: KeyWrapDriver['mapError'] | undefined },
  signal?: Call['signal'],
): KeyWrapError {
  if (signal?.aborted) return abortError(signal);
  if (error instanceof KeyWrapError) return error;
  try {
    const known = driver.mapError?.(error, step);
    if (known !== undefined) return known;
  } catch (cause) {
    return new InternalError('the provider failed, and mapError failed too; see the cause', {
      cause,
    });
  }
  return (
    failureOf(error) ?? new InternalError('the provider failed; see the cause', { cause: error })
  );
}

/**
 * Returns the error that an HTTP status means whatever the backend is, for `mapError`; undefined if the status alone
 * does not tell. Check what your backend reports with these first: OpenBao answers 500 to a damaged RSA ciphertext,
 * and Azure Key Vault 403 for a disabled key.
 *
 * - 401, 403, 407: `AccessDeniedError`
 * - 429: `ThrottledError`
 * - 408, and 500 to 599 without 501 and 505: `ProviderUnavailableError`
 *
 * A 404 is none of these: a wrong path is a mistake, and a retry would not find it either
 * ([RFC 9110 §15](https://www.rfc-editor.org/rfc/rfc9110#section-15)).
 *
 * @example
 * ```ts
 * import { errorOfStatus, InvalidCiphertextError, type KeyWrapError } from '@keywrap/core';
 *
 * function toKeyWrapError(status: number, text: string): KeyWrapError | undefined {
 *   if (text.includes('message authentication failed')) {
 *     return new InvalidCiphertextError('the ciphertext can not be decrypted');
 *   }
 *   return errorOfStatus(status);
 * }
 * ```
 */
export function errorOfStatus(
  status: number,
  options?: KeyWrapErrorOptions,
): KeyWrapError | undefined {
  if (status === 401 || status === 403 || status === 407) {
    return new AccessDeniedError(`the backend denied access (status ${status})`, options);
  }
  if (status === 429) {
    return new ThrottledError('the backend received too many requests (status 429)', options);
  }
  const isFailure = status >= 500 && status < 600 && status !== 501 && status !== 505;
  if (!isFailure && status !== 408) return undefined;
  return new ProviderUnavailableError(`the backend failed (status ${status})`, options);
}

/**
 * Returns the error that an error's code, name or HTTP status shows whatever the backend is: that it was not reached, or
 * failed. Looks into causes too. The message has the host and port if Node.js names them. Undefined for anything else, which is no outage: core reports it as an
 * {@link InternalError}, and `mapError` may know better.
 *
 * @example
 * ```ts
 * import { failureOf } from '@keywrap/core';
 *
 * const isOutage = (error: unknown): boolean => failureOf(error)?.retryable === true;
 * ```
 */
export function failureOf(error: unknown): KeyWrapError | undefined {
  return failureIn(error, error, DEPTH);
}

function failureIn(error: unknown, outermost: unknown, depth: number): KeyWrapError | undefined {
  if (typeof error !== 'object' || error === null || depth === 0) return undefined;
  const options = { cause: outermost };
  try {
    const { code, status, statusCode, $metadata, cause, errors } = withOwn(error);
    const { name } = error as { readonly name?: unknown };
    const attempts: readonly unknown[] = Array.isArray(errors) ? errors.slice(0, DEPTH) : [];
    const isOutage = typeof code === 'string' && OUTAGE_CODES.has(code);
    if (isOutage || name === 'TimeoutError') {
      const where = endpointsIn([error, ...attempts]);
      const what = `${isOutage ? code : name}${where === '' ? '' : ` ${where}`}`;
      return new ProviderUnavailableError(`the backend was not reached (${what})`, options);
    }
    for (const each of [status, statusCode, $metadata?.httpStatusCode]) {
      const failure = typeof each === 'number' ? errorOfStatus(each, options) : undefined;
      if (failure !== undefined) return failure;
    }
    for (const inner of [cause, ...attempts]) {
      const failure = failureIn(inner, outermost, depth - 1);
      if (failure !== undefined) return failure;
    }
  } catch {
    // A getter threw.
  }
  return undefined;
}

/**
 * Returns what Node.js tried to reach, as its errors name it: a backend, or a proxy on the way. Never a URL, which may have
 * credentials, nor the path of a socket.
 */
function endpointsIn(errors: readonly unknown[]): string {
  const endpoints = errors.map((error) => {
    const [hostname, address, port] = ['hostname', 'address', 'port'].map((name) =>
      ownField(Object(error) as Record<string, unknown>, name),
    );
    const host = hostname ?? address;
    if (typeof host !== 'string' || !/^[\w.:-]{1,253}$/.test(host)) return '';
    const name = host.includes(':') ? `[${host}]` : host;
    return Number.isInteger(port) ? `${name}:${port}` : name;
  });
  return [...new Set(endpoints)].filter((endpoint) => endpoint !== '').join(', ');
}

/** Reads an error's own fields, including those that are not enumerable, such as `cause`. */
function withOwn(error: object) {
  const fields = ['code', 'status', 'statusCode', '$metadata', 'cause', 'errors'] as const;
  const own = fields.map((name) => [name, ownField(error as Record<string, unknown>, name)]);
  return Object.fromEntries(own) as Record<(typeof fields)[number], unknown> & {
    readonly $metadata?: { readonly httpStatusCode?: unknown };
  };
}
