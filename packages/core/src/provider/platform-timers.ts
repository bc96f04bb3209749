/** Timers and a clock, bound to nothing that a test can replace. */
export interface PlatformTimers {
  setTimeout(work: () => void, milliseconds?: number): unknown;
  /** @param timer What {@link setTimeout} returned. */
  clearTimeout(timer: unknown): void;
  /** Milliseconds since some start; never goes back. */
  now(): number;
}

/**
 * The platform's timers, taken when this package is loaded. A test that fakes the global ones later does so to control its
 * own code: a wait of keywrap would never end. Times that callers configure, such as a cache's maximum age, are
 * not measured with these.
 *
 * @example
 * ```ts
 * import { platformTimers } from '@keywrap/core';
 *
 * const pause = () => new Promise<void>((resolve) => platformTimers.setTimeout(resolve, 10));
 * ```
 */
export const platformTimers: PlatformTimers = Object.freeze({
  setTimeout: globalThis.setTimeout.bind(globalThis) as PlatformTimers['setTimeout'],
  clearTimeout: globalThis.clearTimeout.bind(globalThis) as PlatformTimers['clearTimeout'],
  now: globalThis.performance.now.bind(globalThis.performance),
});
