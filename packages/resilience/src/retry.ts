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
import { ExponentialBackoff, type IBackoff } from 'cockatiel';

/** How to retry. */
export interface RetryOptions {
  /** The maximum number of attempts, the first included: 1 to 100. By default 3. */
  readonly attempts?: number | undefined;
  /** The longest wait before the second attempt, in milliseconds; it doubles from one to the next. By default 100. */
  readonly firstDelay?: number | undefined;
  /** The longest wait, in milliseconds. By default 5000. */
  readonly maximumDelay?: number | undefined;
}

/**
 * Repeats calls that fail with a retryable error (`UNAVAILABLE`, `THROTTLED`), for backends whose client does not. The
 * waits are random and grow ([decorrelated jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)).
 * An abort ends the wait, and the call is not repeated. Calls that manage keys are not repeated either: one whose answer
 * was lost may have been done.
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
  const maximum = readCount(attempts, 'options.attempts', 100);
  const backoff = new ExponentialBackoff({
    initialDelay: readDelay(firstDelay, 'options.firstDelay'),
    maxDelay: readDelay(maximumDelay, 'options.maximumDelay'),
  });
  return withLayer(provider, (inner) => ({
    ...aroundEach(inner, async (_operation, _request, { signal }, next) => {
      let wait: IBackoff<undefined> | undefined;
      for (let attempt = 1; ; attempt++) {
        try {
          return await next();
        } catch (error) {
          if (attempt === maximum || !isRetryable(error)) throw error;
        }
        wait = (wait ?? backoff).next(undefined);
        await pause(wait.duration, signal);
      }
    }),
    keys: inner.keys,
  }));
}

/** Waits, and stops at once when the caller aborts. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new AbortError('the call was aborted'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
  });
}

/** Returns true for the errors of a call that may succeed unchanged. */
function isRetryable(error: unknown): boolean {
  return error instanceof KeyWrapError && error.retryable;
}
