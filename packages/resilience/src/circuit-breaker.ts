import {
  AbortError,
  aroundEach,
  KeyWrapError,
  type KeyWrapErrorCode,
  type KeyWrapProvider,
  ProviderUnavailableError,
  readCount,
  readDelay,
  readFields,
  withLayer,
} from '@keywrap/core';
import {
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  isBrokenCircuitError,
} from 'cockatiel';

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
 * that the backend works; a call that its caller aborts says nothing.
 *
 * @param name What messages call the backend: where there are several, it tells which one is not called.
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
  name: string = provider.id,
): Provider {
  const fields = readFields(options, 'options', ['failures', 'retryAfter']);
  const { failures = 5, retryAfter = 10_000 } = fields;
  const isFailure = (error: unknown): boolean =>
    hasCode(error, 'UNAVAILABLE') ||
    // The policy takes the failure of a probe that it does not handle for a success.
    (hasCode(error, 'ABORTED') && policy.state === CircuitState.HalfOpen);
  const policy = circuitBreaker(handleWhen(isFailure), {
    halfOpenAfter: readDelay(retryAfter, 'options.retryAfter'),
    breaker: new ConsecutiveBreaker(readCount(failures, 'options.failures', 1000)),
  });
  return withLayer(provider, (inner) =>
    aroundEach(inner, async (_operation, _request, { signal }, next) => {
      const answer = policy.execute(async () => {
        // The caller may have aborted while it waited for the probe of another.
        if (signal?.aborted) throw new AbortError('the call was aborted');
        try {
          return { output: await next() };
        } catch (error) {
          if (isFailure(error) || hasCode(error, 'ABORTED')) throw error;
          // An answer too: only what the policy takes for a success ends a row of failures.
          return { error };
        }
      });
      const answered = await answer.catch((error) => {
        if (!isBrokenCircuitError(error)) throw error;
        throw new ProviderUnavailableError(`${name} failed several times: not called for a while`);
      });
      if ('error' in answered) throw answered.error;
      return answered.output;
    }),
  );
}

function hasCode(error: unknown, code: KeyWrapErrorCode): boolean {
  return error instanceof KeyWrapError && error.code === code;
}
