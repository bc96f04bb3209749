import {
  aroundEach,
  KeyWrapError,
  type KeyWrapProvider,
  ProviderUnavailableError,
  readFields,
  withLayer,
} from '@keywrap/core';
import { ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import { readCount, readDelay } from './options.js';

/** When to stop calling a backend, and when to try again. */
export interface CircuitBreakerOptions {
  /** How many calls in a row have to fail with `UNAVAILABLE`: 1 to 1000. By default 5. */
  readonly failures?: number | undefined;
  /** After how many milliseconds one call is let through again. By default 10,000. */
  readonly retryAfter?: number | undefined;
}

/**
 * Stops calling a backend that fails: after a number of outages in a row, calls reject at once with
 * `ProviderUnavailableError`, until one that is let through from time to time succeeds. Errors that are no outage say
 * that the backend works.
 *
 * @throws {@link InvalidInputError} when an option is wrong.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { withCircuitBreaker } from '@keywrap/resilience';
 *
 * const guarded = (keys: KeyWrapProvider) => withCircuitBreaker(keys, { failures: 3 });
 * ```
 */
export function withCircuitBreaker<Provider extends KeyWrapProvider>(
  provider: Provider,
  options: CircuitBreakerOptions = {},
): Provider {
  const fields = readFields(options, 'options', ['failures', 'retryAfter']);
  const { failures = 5, retryAfter = 10_000 } = fields;
  const policy = circuitBreaker(handleWhen(isOutage), {
    halfOpenAfter: readDelay(retryAfter, 'options.retryAfter'),
    breaker: new ConsecutiveBreaker(readCount(failures, 'options.failures', 1000)),
  });
  return withLayer(provider, (inner) =>
    aroundEach(inner, async (_operation, _request, _call, next) => {
      try {
        return await policy.execute(() => next());
      } catch (error) {
        if (!isBrokenCircuitError(error)) throw error;
        throw new ProviderUnavailableError(
          'the backend failed several times: not called for a while',
        );
      }
    }),
  );
}

function isOutage(error: unknown): boolean {
  return error instanceof KeyWrapError && error.code === 'UNAVAILABLE';
}
