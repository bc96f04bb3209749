import {
  AbortError,
  aroundEach,
  KeyWrapError,
  type KeyWrapProvider,
  readCount,
  readDelay,
  readFields,
  withLayer,
} from '@keywrap/core';
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';

/** How to retry. */
export interface RetryOptions {
  /** The maximum number of attempts, the first included: 2 to 100. By default 3. */
  readonly attempts?: number | undefined;
  /** The longest wait before the second attempt, in milliseconds; it doubles from one to the next. By default 100. */
  readonly firstDelay?: number | undefined;
  /** The longest wait, in milliseconds. By default 5000. */
  readonly maximumDelay?: number | undefined;
}

/**
 * Repeats calls that fail with a retryable error (`UNAVAILABLE`, `THROTTLED`), for backends whose client does not. The
 * waits are random and grow ([decorrelated jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)).
 * An aborted call is not repeated. Calls that manage keys are not repeated either: one whose answer was lost may
 * have been done.
 *
 * @throws {@link InvalidInputError} when an option is wrong.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { withRetry } from '@keywrap/resilience';
 *
 * const patient = (keys: KeyWrapProvider) => withRetry(keys, { attempts: 5 });
 * ```
 */
export function withRetry<Provider extends KeyWrapProvider>(
  provider: Provider,
  options: RetryOptions = {},
): Provider {
  const fields = readFields(options, 'options', ['attempts', 'firstDelay', 'maximumDelay']);
  const { attempts = 3, firstDelay = 100, maximumDelay = 5000 } = fields;
  const policy = retry(handleWhen(isRetryable), {
    maxAttempts: readCount(attempts, 'options.attempts', 100) - 1,
    backoff: new ExponentialBackoff({
      initialDelay: readDelay(firstDelay, 'options.firstDelay'),
      maxDelay: readDelay(maximumDelay, 'options.maximumDelay'),
    }),
  });
  return withLayer(provider, (inner) => ({
    ...aroundEach(inner, (_operation, _request, { signal }, next) =>
      policy.execute(() => {
        // The caller may have aborted during the wait.
        if (signal?.aborted === true) throw new AbortError('the call was aborted');
        return next();
      }, signal),
    ),
    keys: inner.keys,
  }));
}

/** Returns true for the errors of a call that may succeed unchanged. */
export function isRetryable(error: unknown): boolean {
  return error instanceof KeyWrapError && error.retryable;
}
