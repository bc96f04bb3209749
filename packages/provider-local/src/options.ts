import {
  type ArnScope,
  type Awaitable,
  copyDate,
  InvalidInputError,
  type KeyName,
  type KeySpec,
  type KeyUsage,
  readFields,
  readSafely,
} from '@keywrap/core';
import type { EngineChoice } from './cipher/engines/index.js';
import { isSameScope } from './keys/record.js';
import type { KeyStore } from './keys/store.js';
import {
  parseKeyMaterial,
  parseKeySpec,
  parseKeyUsage,
  parseNewName,
  parsePassphrase,
} from './parse-input.js';
import { MemoryKeyStore } from './store/memory-key-store.js';

/** A key that a provider starts with. */
export interface LocalKey {
  /** Its name: an alias, a key id, or the ARN of a key or alias in the provider's scope. */
  readonly keyId: string;
  /** By default `SYMMETRIC_DEFAULT`. */
  readonly keySpec?: KeySpec | undefined;
  /** By default the usual usage of the key spec. */
  readonly keyUsage?: KeyUsage | undefined;
  /**
   * 32 bytes for a symmetric key, 28 to 128 for HMAC, or base64 of them; PEM, DER or PKCS#12 for RSA and ECC. By
   * default it is generated.
   */
  readonly keyMaterial?: Uint8Array | string | undefined;
  /** Decrypts encrypted key material. */
  readonly passphrase?: string | undefined;
}

/** Options of the local provider. */
export interface LocalKeyWrapOptions {
  /** The cryptography: `node` (OpenSSL) or `forge` (JavaScript); by default `node` if available. */
  readonly engine?: EngineChoice | undefined;
  /** The partition in ARNs; by default `aws`. */
  readonly partition?: string | undefined;
  /** The region in ARNs; by default `us-east-1`. */
  readonly region?: string | undefined;
  /** The account in ARNs: twelve digits; by default `111122223333`. */
  readonly account?: string | undefined;
  /**
   * Keys to create at first use, if the store does not have them yet: a name each, or a description.
   * It is an error if the store has a key of another kind, or with other material, under such a name.
   */
  readonly keys?: readonly (string | LocalKey)[] | undefined;
  /** For tests: creates a symmetric key for every name that is not found. By default false. */
  readonly createMissingKeys?: boolean | undefined;
  /**
   * The key store; by default in memory. The provider does not close a store that is passed in; it does
   * close one that a function opens, at first use.
   */
  readonly store?: KeyStore | (() => Awaitable<KeyStore>) | undefined;
  /** The clock: for the waiting period of deletions, and for expiry and rotation. */
  readonly now?: (() => Date) | undefined;
}

/** A key of the options, parsed. */
export interface GivenKey {
  readonly name: KeyName;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly keyMaterial: Uint8Array | string | undefined;
  readonly passphrase: string | undefined;
}

/** The source of a key store. */
export interface StoreSource {
  readonly openStore: () => Awaitable<KeyStore>;
  /** True if whoever calls `open` must close the store. */
  readonly ownsStore: boolean;
}

/** The options, checked and complete. */
export interface Settings extends StoreSource {
  readonly engine: EngineChoice;
  readonly scope: ArnScope;
  readonly keys: readonly GivenKey[];
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

const STORE_METHODS = [
  'peekKey',
  'peekAlias',
  'lookOnce',
  'loadKey',
  'loadAlias',
  'listKeys',
  'listAliases',
  'keysWithId',
  'change',
  'close',
] as const satisfies readonly (keyof KeyStore)[];

/** @throws {@link InvalidInputError} naming the option. */
export function parseOptions(options: LocalKeyWrapOptions): Settings {
  return readSafely(undefined, 'options', () => parseAll(options));
}

/**
 * Parses an option that is a store, a function that opens one, or undefined for a store in memory.
 *
 * @param field The name of the option.
 * @throws {@link InvalidInputError}, also from `openStore` if its function does not return a store.
 */
export function parseStore(value: unknown, field: string): StoreSource {
  if (value === undefined) return { openStore: () => new MemoryKeyStore(), ownsStore: true };
  if (typeof value === 'function') {
    return { openStore: async () => checkStore(await value(), field), ownsStore: true };
  }
  const store = checkStore(value, field);
  return { openStore: () => store, ownsStore: false };
}

function parseAll(options: LocalKeyWrapOptions): Settings {
  const fields = readFields(options, 'options', NAMES);
  const scope = {
    partition: parseMatch(fields.partition, 'partition', 'aws', /^aws[a-z-]*$/),
    region: parseMatch(fields.region, 'region', 'us-east-1', /^[a-z]{2,}(-[a-z]+)*-\d+$/),
    account: parseMatch(fields.account, 'account', '111122223333', /^\d{12}$/),
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
    engine: parseMatch(fields.engine, 'engine', 'auto', /^(auto|node|forge)$/) as EngineChoice,
    scope,
    keys: parseKeys(keys, scope),
    createMissingKeys,
    ...parseStore(store, 'options.store'),
    now: () => readClock(now as () => unknown),
  };
}

function parseMatch(value: unknown, name: string, byDefault: string, pattern: RegExp): string {
  if (value === undefined) return byDefault;
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new InvalidInputError(`options.${name}`, `must match ${pattern}, for example ${byDefault}`);
}

/** Copies the Date, because a clock may return the same one each time, and change it. */
function readClock(now: () => unknown): Date {
  let value: unknown;
  try {
    value = now();
  } catch (cause) {
    throw new InvalidInputError('options.now', 'threw, and must return a valid Date', { cause });
  }
  const date = copyDate(value);
  if (date !== undefined && !Number.isNaN(date.getTime())) return date;
  throw new InvalidInputError('options.now', 'must return a valid Date');
}

function checkStore(value: unknown, field: string): KeyStore {
  if (typeof value === 'object' && value !== null) {
    const store = value as Partial<KeyStore>;
    if (STORE_METHODS.every((name) => typeof store[name] === 'function')) return value as KeyStore;
  }
  throw new InvalidInputError(
    field,
    'must be a KeyStore, for example a MemoryKeyStore, or a function that opens one',
  );
}

function parseKeys(values: readonly unknown[], scope: ArnScope): readonly GivenKey[] {
  const named = new Map<string, number>();
  const keys: GivenKey[] = [];
  // By its iterator, which returns undefined for a hole: a hole is not a key.
  for (const value of values) {
    const index = keys.length;
    const field = `options.keys[${index}]`;
    const key = parseKey(value, field, scope);
    keys.push(key);
    // Ids and aliases can't be confused: an alias begins with alias/, an id has no slash.
    const text = 'id' in key.name ? key.name.id : key.name.alias;
    const first = named.get(text) ?? index;
    named.set(text, first);
    if (first !== index) assertSameKey(keys[first] as GivenKey, key, field, first);
  }
  return keys;
}

/** A name may be repeated for the same key, but not for two keys. */
function assertSameKey(first: GivenKey, again: GivenKey, field: string, index: number): void {
  const isSame =
    first.keySpec === again.keySpec &&
    first.keyUsage === again.keyUsage &&
    // Encodings of material are compared after they have been parsed, at first use.
    (first.keyMaterial !== undefined || again.keyMaterial === undefined);
  if (isSame) return;
  throw new InvalidInputError(
    field,
    `has the name of options.keys[${index}], but is of another kind or has other material`,
  );
}

function parseKey(value: unknown, field: string, scope: ArnScope): GivenKey {
  const description = typeof value === 'string' ? { keyId: value } : value;
  const names = ['keyId', 'keySpec', 'keyUsage', 'keyMaterial', 'passphrase'] as const;
  const { keyId, keyMaterial, passphrase, ...kind } = readFields(description, field, names);
  const name = parseNewName(keyId, `${field}.keyId`);
  if ('region' in name && !isSameScope(name, scope)) {
    const { partition, region, account } = scope;
    throw new InvalidInputError(
      `${field}.keyId`,
      `is of another partition, region or account than this provider: ${partition}, ${region}, ${account}`,
    );
  }
  const keySpec = parseKeySpec(kind.keySpec, `${field}.keySpec`);
  return {
    name,
    keySpec,
    keyUsage: parseKeyUsage(kind.keyUsage, keySpec, `${field}.keyUsage`),
    keyMaterial:
      keyMaterial === undefined ? undefined : parseKeyMaterial(keyMaterial, `${field}.keyMaterial`),
    passphrase: parsePassphrase(passphrase, `${field}.passphrase`),
  };
}
