import {
  type ArnScope,
  InvalidInputError,
  type KeySpec,
  type KeyUsage,
  KeyWrapError,
  parseKeyId,
  readFields,
} from '@keywrap/core';
import type { EngineChoice } from '../cipher/engines/index.js';
import { problemOfName } from '../keys/key-name.js';
import type { Awaitable, KeyStore } from './key-store.js';
import { copyMaterial, readKeySpec, readKeyUsage, readPassphrase } from './new-key.js';
import { readStore, type StoreSource } from './read-store.js';

/** A key that a provider has from the start. */
export interface LocalKey {
  /** What it is called: an alias, a key id, or the whole ARN of a key or alias in the provider's scope. */
  readonly keyId: string;
  /** By default `SYMMETRIC_DEFAULT`. */
  readonly keySpec?: KeySpec | undefined;
  /** By default what the kind of key is made for. */
  readonly keyUsage?: KeyUsage | undefined;
  /** 32 bytes for a symmetric key; PEM, DER or PKCS#12 for RSA and ECC. Without it, new material is made. */
  readonly keyMaterial?: Uint8Array | string | undefined;
  /** Opens key material that is encrypted itself. */
  readonly passphrase?: string | undefined;
}

/** How the local provider works; every setting may be left out. */
export interface LocalKeyWrapOptions {
  /** Which cryptography: `node` (OpenSSL), `forge` (JavaScript), or by default whichever is there, `node` first. */
  readonly engine?: EngineChoice | undefined;
  /** What ARNs begin with; by default `aws`. */
  readonly partition?: string | undefined;
  /** The region in ARNs; by default `us-east-1`. */
  readonly region?: string | undefined;
  /** The account in ARNs: twelve digits; by default `111122223333`. */
  readonly account?: string | undefined;
  /**
   * Keys to make at first use, where the store does not have them yet: a name each, or a description.
   * A key of another kind, or with other material, under such a name is an error.
   */
  readonly keys?: readonly (string | LocalKey)[] | undefined;
  /** For tests: a symmetric key is made for every name that is not found. By default false. */
  readonly createMissingKeys?: boolean | undefined;
  /**
   * Where the keys are; by default in memory. A store that is passed in is not closed with the provider;
   * one that a function opens, at first use, is.
   */
  readonly store?: KeyStore | (() => Awaitable<KeyStore>) | undefined;
  /** The clock, for the waiting period of deletions. */
  readonly now?: (() => Date) | undefined;
}

/** The options, checked and complete. */
export interface Settings extends StoreSource {
  readonly engine: EngineChoice;
  readonly scope: ArnScope;
  readonly keys: readonly (LocalKey & { readonly keySpec: KeySpec; readonly keyUsage: KeyUsage })[];
  readonly createMissingKeys: boolean;
  readonly now: () => Date;
}

const NAMES = [
  'engine',
  'partition',
  'region',
  'account',
  'keys',
  'createMissingKeys',
  'store',
  'now',
] as const;

/** @throws {@link InvalidInputError} naming the option. */
export function readOptions(options: LocalKeyWrapOptions): Settings {
  try {
    return readAll(options);
  } catch (cause) {
    if (cause instanceof KeyWrapError) throw cause;
    throw new InvalidInputError('options', 'could not be read: a getter or proxy threw', { cause });
  }
}

function readAll(options: LocalKeyWrapOptions): Settings {
  const fields = readFields(options, 'options', NAMES);
  const scope = {
    partition: readMatch(fields.partition, 'partition', 'aws', /^aws[a-z-]*$/),
    region: readMatch(fields.region, 'region', 'us-east-1', /^[a-z]{2,}(-[a-z]+)*-\d+$/),
    account: readMatch(fields.account, 'account', '111122223333', /^\d{12}$/),
  };
  const { store, now = () => new Date(), createMissingKeys = false, keys = [] } = fields;
  if (typeof createMissingKeys !== 'boolean') {
    throw new InvalidInputError('options.createMissingKeys', 'must be true or false');
  }
  if (typeof now !== 'function') {
    throw new InvalidInputError('options.now', 'must be a function that returns a Date');
  }
  if (!Array.isArray(keys)) throw new InvalidInputError('options.keys', 'must be an array');
  return {
    engine: readMatch(fields.engine, 'engine', 'auto', /^(auto|node|forge)$/) as EngineChoice,
    scope,
    keys: readKeys(keys, scope),
    createMissingKeys,
    ...readStore(store, 'options.store'),
    now: () => readClock(now as () => unknown),
  };
}

function readMatch(value: unknown, name: string, byDefault: string, pattern: RegExp): string {
  if (value === undefined) return byDefault;
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new InvalidInputError(`options.${name}`, `must match ${pattern}, for example ${byDefault}`);
}

/** A copy, because a caller's clock may be one Date that it moves. */
function readClock(now: () => unknown): Date {
  let value: unknown;
  try {
    value = now();
  } catch (cause) {
    throw new InvalidInputError('options.now', 'threw, and must return a valid Date', { cause });
  }
  if (value instanceof Date && !Number.isNaN(value.getTime())) return new Date(value);
  throw new InvalidInputError('options.now', 'must return a valid Date');
}

function readKeys(values: readonly unknown[], scope: ArnScope): Settings['keys'] {
  const named = new Map<string, number>();
  const keys: Settings['keys'][number][] = [];
  // By its iterator, which gives undefined for a hole: a hole is no key.
  for (const value of values) {
    const index = keys.length;
    const field = `options.keys[${index}]`;
    const key = readKey(value, field, scope);
    keys.push(key);
    const name = parseKeyId(key.keyId);
    // Ids and aliases can't be mistaken for each other: an alias begins with alias/, an id has no slash.
    const text = 'id' in name ? name.id : name.alias;
    const first = named.get(text) ?? index;
    named.set(text, first);
    if (first !== index) assertSameKey(keys[first] as typeof key, key, field, first);
  }
  return keys;
}

/** The name of one key may be there twice, but not for two keys. */
function assertSameKey(
  first: Settings['keys'][number],
  again: Settings['keys'][number],
  field: string,
  index: number,
): void {
  const isSame =
    first.keySpec === again.keySpec &&
    first.keyUsage === again.keyUsage &&
    // Two encodings of the same material are compared when they have been read, at first use.
    (first.keyMaterial !== undefined || again.keyMaterial === undefined);
  if (isSame) return;
  throw new InvalidInputError(
    field,
    `has the name of options.keys[${index}], but is of another kind or has other material`,
  );
}

function readKey(value: unknown, field: string, scope: ArnScope): Settings['keys'][number] {
  const description = typeof value === 'string' ? { keyId: value } : value;
  const names = ['keyId', 'keySpec', 'keyUsage', 'keyMaterial', 'passphrase'] as const;
  const { keyId, keyMaterial, passphrase, ...kind } = readFields(description, field, names);
  const name = parseKeyId(keyId, `${field}.keyId`);
  if ('region' in name) {
    const { partition, region, account } = scope;
    if (name.partition !== partition || name.region !== region || name.account !== account) {
      throw new InvalidInputError(
        `${field}.keyId`,
        `is of another partition, region or account than this provider: ${partition}, ${region}, ${account}`,
      );
    }
  }
  const problem = problemOfName(name);
  if (problem !== undefined) throw new InvalidInputError(`${field}.keyId`, problem);
  const keySpec = readKeySpec(kind.keySpec, `${field}.keySpec`);
  return {
    keyId: keyId as string,
    keySpec,
    keyUsage: readKeyUsage(kind.keyUsage, keySpec, `${field}.keyUsage`),
    keyMaterial:
      keyMaterial === undefined ? undefined : copyMaterial(keyMaterial, `${field}.keyMaterial`),
    passphrase: readPassphrase(passphrase, `${field}.passphrase`),
  };
}
