import {
  type AliasLookup,
  InvalidInputError,
  readAliases,
  readCount,
  readFields,
  readSafely,
} from '@keywrap/core';

/** The package `pkcs11js`, as far as this one uses it. */
export type Pkcs11Module = typeof import('pkcs11js');

/** What a token must be like; it must have everything that is given. */
export interface TokenName {
  /** Its label. */
  readonly label?: string | undefined;
  readonly serial?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
  /** The number of its slot. */
  readonly slot?: number | undefined;
}

/** Options of {@link Pkcs11KeyWrapProvider}. */
export interface Pkcs11KeyWrapProviderOptions {
  /** The path of the token's PKCS#11 library, for example `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string;
  /** The token. By default the only one. */
  readonly token?: TokenName | undefined;
  /** The user's PIN, or a function that returns it. Without it, the provider does not log in. */
  readonly pin?: string | (() => string | Promise<string>) | undefined;
  /** How many operations run in the token at once, each in a session of its own. By default 8, at most 1024. */
  readonly sessions?: number | undefined;
  /**
   * The label of the key that an alias stands for: `{ 'alias/orders': 'orders-2026' }`, or a function that returns it.
   * By default there are no aliases.
   */
  readonly aliases?:
    | Readonly<Record<string, string>>
    | ((alias: string) => string | undefined)
    | undefined;
  /** The package `pkcs11js`, where it can't be imported by its name, for example in a bundle. */
  readonly pkcs11js?: Pkcs11Module | undefined;
}

/** The options, checked and complete. */
export interface ReadOptions {
  readonly module: string;
  readonly token: TokenName;
  readonly pin: (() => unknown) | undefined;
  readonly sessions: number;
  readonly aliases: AliasLookup;
  readonly pkcs11js: Pkcs11Module | undefined;
}

const NAMES = ['module', 'token', 'pin', 'sessions', 'aliases', 'pkcs11js'] as const;
const TOKEN_NAMES = ['label', 'serial', 'manufacturer', 'model', 'slot'] as const;
const MAXIMUM_SESSIONS = 1024;

/**
 * Parses the options, from plain JavaScript too.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong, unknown or missing.
 */
export function readOptions(options: unknown): ReadOptions {
  return readSafely(undefined, 'options', () => readAll(options));
}

function readAll(options: unknown): ReadOptions {
  const given = readFields(options, 'options', NAMES);
  const { module, pin, sessions = 8, pkcs11js } = given;
  if (!isText(module)) throw wrong('module', 'must be the path of a PKCS#11 library');
  if (pin !== undefined && typeof pin !== 'function' && !isText(pin)) {
    throw wrong('pin', 'must be text, or a function that returns it');
  }
  return {
    module,
    token: readToken(given.token ?? {}),
    pin: typeof pin === 'function' || pin === undefined ? (pin as ReadOptions['pin']) : () => pin,
    sessions: readCount(sessions, 'options.sessions', MAXIMUM_SESSIONS),
    aliases: readAliases(given.aliases ?? {}, isText),
    pkcs11js: pkcs11js as Pkcs11Module | undefined,
  };
}

function readToken(value: unknown): TokenName {
  const { slot, ...texts } = readFields(value, 'options.token', TOKEN_NAMES);
  for (const [name, text] of Object.entries(texts)) {
    if (text !== undefined && !isText(text)) throw wrong(`token.${name}`, 'must be text');
  }
  if (slot !== undefined && !(Number.isInteger(slot) && Number(slot) >= 0)) {
    throw wrong('token.slot', 'must be the number of a slot');
  }
  return { ...texts, slot } as TokenName;
}

/** Returns true for text that a name in a token can be. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function wrong(option: string, problem: string): InvalidInputError {
  return new InvalidInputError(`options.${option}`, problem);
}
