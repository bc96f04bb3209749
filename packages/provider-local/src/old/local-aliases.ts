import {
  type AliasDescription,
  type AliasInput,
  InvalidInputError,
  KeyNotFoundError,
  KeyStateError,
} from '@keywrap/core';
import type { KeyRecord } from './key-record.js';
import type { KeyRing } from './key-ring.js';
import type { KeyStore } from './key-store.js';

/** Makes, moves and deletes the aliases of one provider's keys. */
export class LocalAliases {
  readonly #ring: KeyRing;
  readonly #store: KeyStore;

  constructor(ring: KeyRing, store: KeyStore) {
    this.#ring = ring;
    this.#store = store;
  }

  async create({ alias, keyId }: AliasInput): Promise<AliasDescription> {
    const key = await this.#aliasable(keyId);
    if (!(await this.claim(alias, key.id))) throw aliasTaken();
    return this.#ring.describeAlias(alias, key.id);
  }

  /** [UpdateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html) */
  async update({ alias, keyId }: AliasInput): Promise<AliasDescription> {
    const old = await this.#aliased(alias);
    const key = await this.#aliasable(keyId);
    if (old.keyUsage !== key.keyUsage || kindOf(old) !== kindOf(key)) {
      throw new InvalidInputError(
        'keyId',
        `names a key of another kind (${key.keySpec} for ${key.keyUsage}) than the alias stands for (${old.keySpec} for ${old.keyUsage})`,
      );
    }
    await this.#store.changeAlias(alias, (current) => {
      if (current === undefined) throw noSuchAlias(alias);
      return key.id;
    });
    return this.#ring.describeAlias(alias, key.id);
  }

  async delete(alias: string): Promise<void> {
    await this.#aliased(alias);
    await this.#store.changeAlias(alias, (current) => {
      if (current === undefined) throw noSuchAlias(alias);
      return undefined;
    });
  }

  async list(): Promise<readonly AliasDescription[]> {
    const ids = new Set((await this.#ring.list()).map(({ id }) => id));
    const aliases = await this.#store.listAliases();
    return aliases
      .filter(([, id]) => ids.has(id))
      .map(([alias, id]) => this.#ring.describeAlias(alias, id));
  }

  /** Lets an alias stand for a key, unless it stands for another; one whose key is gone is free. */
  async claim(alias: string, id: string): Promise<boolean> {
    const previous = await this.#store.readAlias(alias);
    const isGone = previous !== undefined && (await this.#ring.findById(previous)) === undefined;
    let claimed = false;
    await this.#store.changeAlias(alias, (current) => {
      claimed = current === undefined || (isGone && current === previous);
      return claimed ? id : current;
    });
    return claimed;
  }

  async #aliased(alias: string): Promise<KeyRecord> {
    const key = await this.#ring.findByAlias(alias);
    if (key === undefined) throw noSuchAlias(alias);
    return key;
  }

  async #aliasable(keyId: string): Promise<KeyRecord> {
    const key = await this.#ring.find(keyId);
    if (key.keyState === 'PendingDeletion') {
      throw new KeyStateError('a key that waits for its deletion takes no alias');
    }
    return key;
  }
}

export function aliasTaken(): InvalidInputError {
  return new InvalidInputError('alias', 'exists already; update it, or choose another name');
}

function noSuchAlias(alias: string): KeyNotFoundError {
  return new KeyNotFoundError('there is no such alias', { keyId: alias });
}

function kindOf({ keySpec }: KeyRecord): string {
  if (keySpec === 'SYMMETRIC_DEFAULT') return 'symmetric';
  return keySpec.startsWith('HMAC_') ? 'HMAC' : 'asymmetric';
}
