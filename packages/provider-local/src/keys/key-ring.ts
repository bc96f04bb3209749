import {
  type AliasDescription,
  type ArnScope,
  encryptionAlgorithmsOf,
  formatAliasArn,
  formatKeyArn,
  type KeyDescription,
  KeyNotFoundError,
  parseKeyId,
} from '@keywrap/core';
import type { KeyRecord } from './key-record.js';
import type { KeyStore } from './key-store.js';

/** Makes a key because somebody asked for one of this name. */
export type MakeMissingKey = (
  name: { readonly id: string } | { readonly alias: string },
) => Promise<KeyRecord>;

/**
 * Finds keys by any of the four forms, in one partition, region and account; a name from elsewhere is
 * not found, as in AWS KMS.
 */
export class KeyRing {
  readonly #store: KeyStore;
  readonly #scope: ArnScope;
  readonly #now: () => Date;
  readonly #makeMissing: MakeMissingKey | undefined;

  constructor(
    store: KeyStore,
    scope: ArnScope,
    now: () => Date,
    makeMissing: MakeMissingKey | undefined,
  ) {
    this.#store = store;
    this.#scope = scope;
    this.#now = now;
    this.#makeMissing = makeMissing;
  }

  /** @throws {@link KeyNotFoundError} */
  async find(keyId: string): Promise<KeyRecord> {
    const name = parseKeyId(keyId);
    const isHere = !('region' in name) || this.#isHere(name);
    if (isHere && 'id' in name) {
      const key = await this.findById(name.id);
      if (key !== undefined) return key;
      if (this.#makeMissing !== undefined) return this.#makeMissing({ id: name.id });
    } else if (isHere && 'alias' in name) {
      const id = await this.#store.readAlias(name.alias);
      const key = id === undefined ? undefined : await this.findById(id);
      if (key !== undefined) return key;
      if (this.#makeMissing !== undefined) return this.#makeMissing({ alias: name.alias });
    }
    throw new KeyNotFoundError(
      `there is no such key in ${this.#scope.region}, account ${this.#scope.account}; check the name, the region and the account`,
      { keyId },
    );
  }

  /** The key with this id, unless the day of its deletion has come: then it is deleted now. */
  async findById(id: string): Promise<KeyRecord | undefined> {
    const key = await this.#store.readKey(id);
    if (key === undefined || !this.#isDue(key)) return key;
    await this.#store.changeKey(id, (current) =>
      current !== undefined && this.#isDue(current) ? undefined : current,
    );
    return undefined;
  }

  async list(): Promise<readonly KeyRecord[]> {
    const keys = await this.#store.listKeys();
    return keys.filter((key) => !this.#isDue(key));
  }

  arnOf({ id }: Pick<KeyRecord, 'id'>): string {
    return formatKeyArn(id, this.#scope);
  }

  describe(key: KeyRecord): KeyDescription {
    const { keySpec, keyUsage, keyState, origin, description, creationDate, deletionDate } = key;
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

  #isDue({ deletionDate }: KeyRecord): boolean {
    return deletionDate !== undefined && deletionDate <= this.#now();
  }

  #isHere({ partition, region, account }: ArnScope): boolean {
    const here = this.#scope;
    return partition === here.partition && region === here.region && account === here.account;
  }
}
