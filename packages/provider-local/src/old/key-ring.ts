import {
  type AliasDescription,
  type ArnScope,
  encryptionAlgorithmsOf,
  formatAliasArn,
  formatKeyArn,
  type KeyDescription,
  KeyNotFoundError,
  ownFields,
  parseKeyId,
} from '@keywrap/core';
import { problemOfName } from '../keys/key-name.js';
import type { KeyRecord } from './key-record.js';
import { type Awaitable, andThen, type KeyStore } from './key-store.js';

/** What a key is found by. */
export type KeyName = { readonly id: string } | { readonly alias: string };

/** What a key ring has done for it. */
export interface KeyRingHooks {
  /** Makes a key because somebody asked for one of this name. */
  readonly makeMissing?: ((name: KeyName) => Promise<KeyRecord>) | undefined;
  /** Hears that the key of this id was deleted. */
  readonly onDeleted: (id: string) => void;
}

/**
 * Finds keys by any of the four forms, in one partition, region and account; a name from elsewhere is
 * not found, as in AWS KMS.
 */
export class KeyRing {
  readonly #store: KeyStore;
  readonly #scope: ArnScope;
  readonly #now: () => Date;
  readonly #hooks: KeyRingHooks;

  constructor(store: KeyStore, scope: ArnScope, now: () => Date, hooks: KeyRingHooks) {
    this.#store = store;
    this.#scope = scope;
    this.#now = now;
    this.#hooks = hooks;
  }

  /** @throws {@link KeyNotFoundError} */
  find(keyId: string): Awaitable<KeyRecord> {
    const name = parseKeyId(keyId);
    if ('region' in name && !this.#isHere(name)) throw this.#notFound(keyId);
    const found = 'id' in name ? this.findById(name.id) : this.findByAlias(name.alias);
    return andThen(found, (key) => {
      if (key !== undefined) return key;
      const { makeMissing } = this.#hooks;
      if (makeMissing !== undefined && problemOfName(name) === undefined) return makeMissing(name);
      throw this.#notFound(keyId);
    });
  }

  /** The key with this id, unless the day of its deletion has come: then it is deleted now. */
  findById(id: string): Awaitable<KeyRecord | undefined> {
    return andThen(this.#store.readKey(id), (key) =>
      key === undefined ? undefined : this.#unlessDue(key),
    );
  }

  /** The key that an alias stands for, by the same rule. */
  findByAlias(alias: string): Awaitable<KeyRecord | undefined> {
    return andThen(this.#store.readAlias(alias), (id) =>
      id === undefined ? undefined : this.findById(id),
    );
  }

  async list(): Promise<readonly KeyRecord[]> {
    const keys: KeyRecord[] = [];
    for (const key of await this.#store.listKeys()) {
      if ((await this.#unlessDue(key)) !== undefined) keys.push(key);
    }
    return keys;
  }

  arnOf({ id }: Pick<KeyRecord, 'id'>): string {
    return formatKeyArn(id, this.#scope);
  }

  describe(key: KeyRecord): KeyDescription {
    const { keySpec, keyUsage, keyState, origin, description, creationDate, deletionDate } =
      ownFields(key);
    return {
      keyId: this.arnOf(key),
      keySpec,
      keyUsage,
      keyState,
      origin,
      algorithms: encryptionAlgorithmsOf(keySpec, keyUsage),
      description,
      creationDate: new Date(creationDate),
      ...(deletionDate === undefined ? {} : { deletionDate: new Date(deletionDate) }),
    };
  }

  describeAlias(alias: string, id: string): AliasDescription {
    return { alias, aliasArn: formatAliasArn(alias, this.#scope), keyId: this.arnOf({ id }) };
  }

  #unlessDue(key: KeyRecord): Awaitable<KeyRecord | undefined> {
    if (!this.#isDue(key)) return key;
    const deleted = this.#store.changeKey(key.id, (current) =>
      current !== undefined && this.#isDue(current) ? undefined : current,
    );
    return andThen(deleted, () => {
      this.#hooks.onDeleted(key.id);
      return undefined;
    });
  }

  #notFound(keyId: string): KeyNotFoundError {
    const { region, account } = this.#scope;
    return new KeyNotFoundError(
      `there is no such key in ${region}, account ${account}; check the name, the region and the account`,
      { keyId },
    );
  }

  #isDue(key: KeyRecord): boolean {
    // Its state first: a polluted Object.prototype may lend any key a date, and keys don't come back.
    if (key.keyState !== 'PendingDeletion') return false;
    return key.deletionDate !== undefined && key.deletionDate <= this.#now();
  }

  #isHere({ partition, region, account }: ArnScope): boolean {
    const here = this.#scope;
    return partition === here.partition && region === here.region && account === here.account;
  }
}
