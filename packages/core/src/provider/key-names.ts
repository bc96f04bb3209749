import { InvalidInputError, KeyNotFoundError } from './errors.js';
import { type ArnScope, formatKeyArn, type KeyName } from './key-id.js';

/** Returns the backend's name of the key that an alias stands for; undefined for an unknown alias. */
export type AliasLookup = (alias: string) => string | undefined;

/**
 * Reads the option `aliases` of a provider whose backend has none: names of keys by alias, or a function.
 *
 * @param isName Tells whether the backend can have a key of that name.
 * @throws {@link InvalidInputError} with the field `options.aliases`.
 *
 * @example
 * ```ts
 * import { readAliases } from '@keywrap/core';
 *
 * readAliases({ 'alias/orders': 'orders-2026' }, () => true)('alias/orders'); // 'orders-2026'
 * ```
 */
export function readAliases(value: unknown, isName: (name: string) => boolean): AliasLookup {
  if (typeof value === 'function') return value as AliasLookup;
  if (typeof value !== 'object' || value === null) throw wrong('must be an object');
  const pairs = Object.entries(value);
  for (const [alias, name] of pairs) {
    if (!/^alias\/[\w:/-]+$/.test(alias) || typeof name !== 'string' || !isName(name)) {
      throw wrong("must map names that begin with 'alias/' to names of keys");
    }
  }
  const map = new Map(pairs);
  return (alias) => map.get(alias);
}

function wrong(problem: string): InvalidInputError {
  return new InvalidInputError('options.aliases', problem);
}

interface Backend {
  /** That of all its keys. */
  readonly scope: ArnScope;
  readonly aliases: AliasLookup;
  /** Tells whether it can have a key of that name. */
  readonly isName: (name: string) => boolean;
}

/**
 * Converts the contract's names of keys into a backend's, and back.
 *
 * @example
 * ```ts
 * import { KeyNames, parseKeyId } from '@keywrap/core';
 *
 * const scope = { partition: 'mine', region: 'here', account: 'hsm' };
 * const names = new KeyNames({ scope, aliases: () => undefined, isName: () => true });
 * names.nameOf(parseKeyId('arn:mine:kms:here:hsm:key/orders')); // 'orders'
 * ```
 */
export class KeyNames {
  readonly #backend: Backend;

  /** @param backend Names of keys and aliases, and the scope of its keys. */
  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /**
   * Returns the backend's name of a key.
   *
   * @throws {@link KeyNotFoundError} when no key can have that name here.
   */
  nameOf(key: KeyName): string {
    const { scope, aliases, isName } = this.#backend;
    const parts = ['partition', 'region', 'account'] as const;
    const isHere = !('partition' in key) || parts.every((part) => key[part] === scope[part]);
    const isKey = key.kind === 'key-id' || key.kind === 'key-arn';
    const name = isKey ? key.id : aliases(key.alias);
    if (isHere && name === undefined && !isKey) {
      throw new KeyNotFoundError(
        `the option aliases does not define ${key.alias}; define it, or name the key itself`,
      );
    }
    if (isHere && name !== undefined && isName(name)) return name;
    throw new KeyNotFoundError('there is no such key: check its name, its alias, and its ARN');
  }

  /** Formats the ARN of a key. */
  arnOf(name: string): string {
    return formatKeyArn(name, this.#backend.scope);
  }
}
