import { ProviderUnavailableError } from '../provider/errors.js';
import { platformTimers } from '../provider/platform-timers.js';

/**
 * Limits the time of work, for a client that has no limit of its own, or none for all that a call waits for.
 *
 * @param milliseconds 1 to 2^31 - 1.
 * @param late Says what took too long, such as `the credentials were not loaded`.
 * @param work Gets a signal that is aborted when the time is over; what ignores it is not waited for.
 * @throws {@link ProviderUnavailableError} when the time is over.
 *
 * @example
 * ```ts
 * import { within } from '@keywrap/core';
 *
 * const fetchWithin = (url: string) =>
 *   within(5000, 'the server did not answer', (signal) => fetch(url, { signal }));
 * ```
 */
export async function within<T>(
  milliseconds: number,
  late: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  let timer: unknown;
  const over = new Promise<never>((_resolve, reject) => {
    timer = platformTimers.setTimeout(() => {
      reject(new ProviderUnavailableError(`${late} within ${milliseconds} ms`));
      limit.abort();
    }, milliseconds);
  });
  try {
    return await Promise.race([work(limit.signal), over]);
  } finally {
    platformTimers.clearTimeout(timer);
  }
}
