import { type ArnScope, formatAliasArn, formatKeyArn } from '@keywrap/core';
import {
  type Awaitable,
  andThen,
  type KeyRecord,
  type KeyStore,
} from '@keywrap/provider-local/old-keys';
import type { KmsKey } from './kms-key.js';
import { toKmsKey, toRecord } from './stored-key.js';

/**
 * The keys and aliases of one region, in a store of all regions that knows them by their ARNs. Both this
 * server and provider-local work on it, so whatever is in it is a whole {@link KmsKey}.
 */
export class RegionStore implements KeyStore {
  readonly #store: KeyStore;
  readonly #keyPrefix: string;
  readonly #aliasPrefix: string;
  /** What the store calls the keys that were found: a long string takes a while to make and to hash. */
  readonly #names = new Map<string, string>();
  /** A store gives the same record until it changes. */
  readonly #keys = new WeakMap<KeyRecord, KmsKey>();

  constructor(store: KeyStore, scope: ArnScope) {
    this.#store = store;
    this.#keyPrefix = formatKeyArn('', scope);
    this.#aliasPrefix = formatAliasArn('', scope);
  }

  readKey(id: string): Awaitable<KmsKey | undefined> {
    return andThen(this.#store.readKey(this.#nameOf(id)), (record) => this.#keyOf(record));
  }

  async listKeys(): Promise<readonly KmsKey[]> {
    const records = await this.#store.listKeys();
    return records
      .filter(({ id }) => id.startsWith(this.#keyPrefix))
      .map((record) => this.#keyOf(record) as KmsKey);
  }

  changeKey(
    id: string,
    change: (current: KmsKey | undefined) => KmsKey | undefined,
  ): Awaitable<void> {
    return this.#store.changeKey(this.#nameOf(id), (record) => {
      const current = this.#keyOf(record);
      const next = change(current);
      return next === current ? record : next && this.#recordOf(next);
    });
  }

  readAlias(alias: string): Awaitable<string | undefined> {
    return andThen(this.#store.readAlias(this.#aliasPrefix + alias), (arn) => this.#idOf(arn));
  }

  async listAliases(): Promise<readonly (readonly [alias: string, id: string])[]> {
    const aliases = await this.#store.listAliases();
    return aliases
      .filter(([arn]) => arn.startsWith(this.#aliasPrefix))
      .map(([arn, key]) => [arn.slice(this.#aliasPrefix.length), this.#idOf(key) as string]);
  }

  changeAlias(
    alias: string,
    change: (current: string | undefined) => string | undefined,
  ): Awaitable<void> {
    return this.#store.changeAlias(this.#aliasPrefix + alias, (arn) => {
      const id = change(this.#idOf(arn));
      return id === undefined ? undefined : this.#keyPrefix + id;
    });
  }

  /** Nothing: the store is of all regions. */
  close(): void {}

  #nameOf(id: string): string {
    return this.#names.get(id) ?? this.#keyPrefix + id;
  }

  #idOf(arn: string | undefined): string | undefined {
    return arn?.slice(this.#keyPrefix.length);
  }

  #keyOf(record: KeyRecord | undefined): KmsKey | undefined {
    if (record === undefined) return undefined;
    let key = this.#keys.get(record);
    if (key === undefined) {
      key = toKmsKey(record, record.id.slice(this.#keyPrefix.length));
      this.#keys.set(record, key);
      this.#names.set(key.id, record.id);
    }
    return key;
  }

  #recordOf(key: KmsKey): KeyRecord {
    const record = toRecord(key, this.#nameOf(key.id));
    this.#keys.set(record, key);
    this.#names.set(key.id, record.id);
    return record;
  }
}
