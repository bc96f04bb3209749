import {
  AbortError,
  InternalError,
  KeyWrapError,
  ProviderUnavailableError,
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
  return new AbortError('the call was aborted', { cause: signal.reason });
}

/**
 * Classifies what a driver threw: an abort first, then a `KeyWrapError` as it is, then what `mapError` returns.
 * Anything else is an outage if it looks like one, and an {@link InternalError} otherwise.
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
  const outage = outageIn(error);
  if (outage === undefined) {
    return new InternalError('the provider failed; see the cause', { cause: error });
  }
  return new ProviderUnavailableError(`the backend was not reached, or failed (${outage})`, {
    cause: error,
  });
}

/** Returns the code, name or status that shows that the backend is unreachable or failed. */
function outageIn(error: unknown, depth = DEPTH): string | undefined {
  if (typeof error !== 'object' || error === null || depth === 0) return undefined;
  try {
    const { code, status, statusCode, $metadata, cause, errors } = withOwn(error);
    const { name } = error as { readonly name?: unknown };
    if (typeof code === 'string' && OUTAGE_CODES.has(code)) return code;
    if (name === 'TimeoutError') return name;
    const failure = [status, statusCode, $metadata?.httpStatusCode].find(isServerError);
    if (failure !== undefined) return `status ${failure}`;
    const inner = [cause, ...(Array.isArray(errors) ? errors.slice(0, DEPTH) : [])];
    return inner.map((each) => outageIn(each, depth - 1)).find((outage) => outage !== undefined);
  } catch {
    return undefined;
  }
}

/** Reads an error's own fields, including those that are not enumerable, such as `cause`. */
function withOwn(error: object) {
  const fields = ['code', 'status', 'statusCode', '$metadata', 'cause', 'errors'] as const;
  const own = fields.map((name) => [name, ownField(error as Record<string, unknown>, name)]);
  return Object.fromEntries(own) as Record<(typeof fields)[number], unknown> & {
    readonly $metadata?: { readonly httpStatusCode?: unknown };
  };
}

/** [RFC 9110 §15.6](https://www.rfc-editor.org/rfc/rfc9110#section-15.6) */
function isServerError(status: unknown): status is number {
  return typeof status === 'number' && status >= 500 && status < 600;
}
