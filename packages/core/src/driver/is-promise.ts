import type { Awaitable } from './requests.js';

/**
 * Tells a promise, of any kind and realm, from a value: waiting for a value costs as much as a small cipher.
 *
 * @example
 * ```ts
 * import { type Awaitable, isPromise } from '@keywrap/core';
 *
 * const lengthOf = (text: Awaitable<string>): Awaitable<number> =>
 *   isPromise(text) ? text.then(({ length }) => length) : text.length;
 * ```
 */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return (
    value instanceof Promise || typeof (value as { then?: unknown } | null)?.then === 'function'
  );
}
