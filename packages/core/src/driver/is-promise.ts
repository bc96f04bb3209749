import type { Awaitable } from './requests.js';

/** Tells a promise, of any kind, from a value: waiting for a value costs as much as a small cipher. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return (
    value instanceof Promise || typeof (value as { then?: unknown } | null)?.then === 'function'
  );
}
