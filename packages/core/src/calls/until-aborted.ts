/**
 * Stops waiting when the signal is aborted, even if the work ignores it, and rejects with the signal's reason.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    signal.addEventListener('abort', stop, { once: true });
    // Starting the work may itself have aborted the signal, and missed the event.
    if (signal.aborted) stop();
  });
}
