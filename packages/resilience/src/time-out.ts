import {
  AbortError,
  type Awaitable,
  type Call,
  type DriverFunctions,
  FUNCTION_NAMES,
  type KeyWrapProvider,
  ProviderUnavailableError,
  readDelay,
  withLayer,
} from '@keywrap/core';
import { TimeoutStrategy, timeout } from 'cockatiel';

/**
 * Limits the time of every call, for backends whose client does not: a call that takes longer is aborted and rejects with
 * `ProviderUnavailableError`.
 *
 * @param milliseconds 1 to 2^31 - 1.
 * @throws {@link InvalidInputError} when it is another number.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { withRetry, withTimeout } from '@keywrap/resilience';
 *
 * // Each attempt has two seconds.
 * const bounded = (keys: KeyWrapProvider) => withRetry(withTimeout(keys, 2000));
 * ```
 */
export function withTimeout<Provider extends KeyWrapProvider>(
  provider: Provider,
  milliseconds: number,
): Provider {
  const policy = timeout(readDelay(milliseconds, 'milliseconds'), {
    strategy: TimeoutStrategy.Aggressive,
    // Else the signal would be aborted after every call, and not tell which took too long.
    abortOnReturn: false,
  });

  const limited = (work: Work): Work => {
    return async (request, call) => {
      const { signal } = call;
      let limit: AbortSignal | undefined;
      try {
        return await policy.execute((context) => {
          limit = context.signal;
          return work(request, { ...call, signal: limit });
        }, signal);
      } catch (error) {
        if (signal?.aborted === true) throw new AbortError('the call was aborted');
        // The backend may reject first, when it is aborted.
        if (limit?.aborted !== true) throw error;
        throw new ProviderUnavailableError(`the backend did not answer within ${milliseconds} ms`);
      }
    };
  };

  return withLayer(provider, (inner) => {
    const functions = FUNCTION_NAMES.map((name) => [name, limited(inner[name] as Work)]);
    const keys = Object.entries(inner.keys).map(([name, work]) => [name, limited(work as Work)]);
    return {
      ...inner,
      ...(Object.fromEntries(functions) as DriverFunctions),
      keys: Object.fromEntries(keys),
    };
  });
}

/** A function of a driver. */
type Work = (request: object, call: Call) => Awaitable<unknown>;
