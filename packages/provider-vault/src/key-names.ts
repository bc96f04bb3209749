import { formatKeyArn, type KeyName, KeyNotFoundError } from '@keywrap/core';
import { isKeyName, type ReadOptions } from './options.js';

/** Names of the contract for keys of transit. */
export class KeyNames {
  readonly #scope: {
    readonly partition: string;
    readonly region: string;
    readonly account: string;
  };
  readonly #aliases: ReadOptions['aliases'];

  constructor({ namespace, mount, aliases }: Pick<ReadOptions, 'namespace' | 'mount' | 'aliases'>) {
    this.#scope = {
      partition: 'vault',
      region: namespace === '' ? 'root' : namespace,
      account: mount,
    };
    this.#aliases = aliases;
  }

  /**
   * Returns the key's name in transit.
   *
   * @throws {@link KeyNotFoundError} when no key can have that name here.
   */
  nameOf(key: KeyName): string {
    const isHere =
      !('partition' in key) ||
      (['partition', 'region', 'account'] as const).every(
        (part) => key[part] === this.#scope[part],
      );
    const isAlias = key.kind === 'alias-name' || key.kind === 'alias-arn';
    const name = isAlias ? this.#aliases(key.alias) : key.id;
    if (isHere && name !== undefined && isKeyName(name)) return name;
    throw new KeyNotFoundError(
      'transit has no such key: check its name, and the namespace and mount of its ARN',
    );
  }

  arnOf(name: string): string {
    return formatKeyArn(name, this.#scope);
  }
}
