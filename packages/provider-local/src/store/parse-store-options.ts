import { InvalidInputError, readFields } from '@keywrap/core';
import type { SqlKeyStoreOptions } from './sql-key-store.js';

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
  const isPath = typeof location === 'string' && location !== '' && !location.includes('\0');
  check('location', isPath, 'must be the path of a file, or a URL of PostgreSQL');
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
