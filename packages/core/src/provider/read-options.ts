import { InternalError, InvalidInputError } from './errors.js';

/**
 * Reads an option that is a count, from plain JavaScript too.
 *
 * @throws {@link InvalidInputError} for anything but an integer from 1 to the maximum.
 *
 * @example
 * ```ts
 * import { readCount, readFields, readSafely } from '@keywrap/core';
 *
 * const readOptions = (options: unknown) =>
 *   readSafely(undefined, 'options', () => {
 *     const { sessions = 8 } = readFields(options, 'options', ['sessions']);
 *     return { sessions: readCount(sessions, 'options.sessions', 1024) };
 *   });
 * ```
 */
export function readCount(value: unknown, field: string, maximum: number): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= maximum) {
    return value as number;
  }
  throw new InvalidInputError(field, `must be an integer from 1 to ${maximum}`);
}

/** The longest delay of the platform's timers, in milliseconds; a longer one would fire at once. */
const MAXIMUM_DELAY = 2 ** 31 - 1;

/** @throws {@link InvalidInputError} for anything but a number of milliseconds that timers accept: 1 to 2^31 - 1. */
export function readDelay(value: unknown, field: string): number {
  return readCount(value, field, MAXIMUM_DELAY);
}

/**
 * Reads an option that is the URL of a backend: `https:`, or `http:` to this machine (`localhost`, `127.0.0.1`, `[::1]`),
 * because requests contain plaintexts.
 *
 * @throws {@link InvalidInputError} for any other URL, and one with a user, a password, a query or a fragment.
 */
export function readBackendUrl(value: unknown, field: string): URL {
  const url = new URL(typeof value === 'string' && URL.canParse(value) ? value : 'none:');
  const { protocol, hostname, username, password, search, hash } = url;
  const isPlain = username === '' && password === '' && search === '' && hash === '';
  if (!/^https?:$/.test(protocol) || !isPlain) {
    throw new InvalidInputError(
      field,
      'must be an http: or https: URL without user, password and query',
    );
  }
  if (protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) {
    throw new InvalidInputError(field, 'must be https: requests contain plaintexts');
  }
  return url;
}

/**
 * Loads the client of a backend, an optional peer, when it is needed.
 *
 * @param name The name of the package, for the error.
 * @param load `() => import(...)`, where bundlers see it.
 * @param missing What to do when the package is missing.
 * @param bundled What to do when esbuild has bundled it as it can't be loaded.
 * @throws {@link InternalError} when it can't be loaded.
 */
export async function loadPeer<Module>(
  name: string,
  load: () => Promise<Module>,
  missing = 'install it',
  bundled = 'bundle it as CommonJS',
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    // What esbuild says when it has put a CommonJS file into an ES module.
    const remedy = /^Dynamic require of /.test((cause as Error | undefined)?.message ?? '')
      ? bundled
      : missing;
    const problem = `the package ${name} could not be loaded: ${remedy}, and see the cause`;
    throw new InternalError(problem, { cause });
  }
}
