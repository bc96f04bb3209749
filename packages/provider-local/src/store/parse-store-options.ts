import { InvalidInputError, readFields } from '@keywrap/core';
import type { DialectOptions } from './dialect.js';
import type { ScryptCost } from './protection/passphrase.js';
import type { StoreProtection } from './protection/protection.js';

/** The location of a store, and its protection. */
export interface SqlKeyStoreOptions extends DialectOptions {
  /**
   * The path of an SQLite file, on a local file system, or `postgres://USER@HOST/DATABASE`, as pg
   * takes it.
   */
  readonly location: string;
  /** A passphrase, or a key of another provider. */
  readonly protectedBy: StoreProtection;
  /** Creates a store if there is none. By default that is an error: the path may be wrong. */
  readonly create?: boolean | undefined;
  /** For a new passphrase. */
  readonly scrypt?: ScryptCost | undefined;
  /** The number of keys, and of aliases, that stay in memory; 10,000 by default. */
  readonly cachedRecords?: number | undefined;
}

const NAMES = [
  'location',
  'protectedBy',
  'create',
  'scrypt',
  'cachedRecords',
  'trustedGroup',
  'lockTimeout',
  'freshness',
] as const satisfies readonly (keyof SqlKeyStoreOptions)[];

/** Copies the options of a store. @throws {@link InvalidInputError} naming the option that is wrong. */
export function parseStoreOptions(options: SqlKeyStoreOptions): SqlKeyStoreOptions {
  const fields = readFields(options, 'options', NAMES);
  const check = (name: (typeof NAMES)[number], isValid: boolean, problem: string) => {
    if (!isValid) throw new InvalidInputError(`options.${name}`, problem);
  };
  const { location, create, freshness } = fields;
  parseLocation(location, 'options.location');
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  const { protectedBy, scrypt } = fields;
  check('protectedBy', isObject(protectedBy), 'must be { passphrase } or { provider, keyId }');
  check('scrypt', scrypt === undefined || isObject(scrypt), 'must be an object');
  check('create', create === undefined || typeof create === 'boolean', 'must be true or false');
  const isKnown = freshness === undefined || freshness === 'notified' || freshness === 'always';
  check('freshness', isKnown, 'must be notified or always');
  for (const [name, minimum] of [
    ['cachedRecords', 1],
    ['trustedGroup', 0],
    ['lockTimeout', 0],
  ] as const) {
    const value = fields[name];
    const isCount = Number.isSafeInteger(value) && Number(value) >= minimum;
    check(name, value === undefined || isCount, `must be a whole number, at least ${minimum}`);
  }
  return fields as unknown as SqlKeyStoreOptions;
}

/**
 * Checks where a store is: a path, or a URL of PostgreSQL. Another URL would be the name of a file in this folder, and what
 * is no file in SQLite would be one.
 *
 * @throws {@link InvalidInputError}
 */
export function parseLocation(value: unknown, field: string): string {
  if (typeof value === 'string' && /^postgres(ql)?:/.test(value) && !value.includes('\0'))
    return value;
  return parsePath(value, field, 'the path of a file, or a URL of PostgreSQL');
}

/** Checks the path of a file. @throws {@link InvalidInputError} */
export function parsePath(value: unknown, field: string, what = 'the path of a file'): string {
  const isPath = typeof value === 'string' && value !== '' && !value.includes('\0');
  if (isPath && /^~(\/|$)/.test(value)) {
    throw new InvalidInputError(
      field,
      'begins with ~, which only a shell replaces: pass the whole path, or ./~ for a folder of that name',
    );
  }
  // A drive of Windows has one letter.
  if (isPath && !/^([a-z][a-z\d+.-]+:|:memory:$)/i.test(value)) return value;
  throw new InvalidInputError(
    field,
    `must be ${what}${isPath ? '; a path whose first name has a colon begins with ./' : ''}`,
  );
}
