/**
 * Stops waiting when the signal says so, whether or not the work listens to it; rejects with the signal's
 * reason.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    signal.addEventListener('abort', stop, { once: true });
    // Starting the work may itself have aborted it, and that event is over.
    if (signal.aborted) stop();
  });
}
