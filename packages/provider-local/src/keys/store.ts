import type { ArnScope } from '@keywrap/core';
import type { AliasRecord, KeyRecord } from './record.js';

/** The rows that a change is about, by ARN. They are read together, before the change. */
export interface ChangeNames {
  readonly keys: readonly string[];
  readonly aliases: readonly string[];
  /** Ids whose keys in all Regions the change is about: of multi-Region keys. */
  readonly ids?: readonly string[];
}

/**
 * What a change sees and does. It sees the keys, aliases and ids that it named, the keys that those
 * aliases stand for, and the aliases of all these keys; reading anything else throws.
 */
export interface Transaction {
  key(arn: string): KeyRecord | undefined;
  alias(arn: string): AliasRecord | undefined;
  /** The aliases of a key, sorted by name. */
  aliasesOf(keyArn: string): readonly AliasRecord[];
  /** The keys of this id, in all partitions, Regions and accounts. */
  keysWithId(id: string): readonly KeyRecord[];
  /** Adds a key, or replaces the one with its ARN. The material of the record changes owner when the change is committed. */
  putKey(record: KeyRecord): void;
  /** Removes a key and its aliases. */
  removeKey(arn: string): void;
  putAlias(record: AliasRecord): void;
  removeAlias(arn: string): void;
}

/** Which rows of a list to return. */
export interface Page {
  /** All scopes where it is undefined. */
  readonly scope: ArnScope | undefined;
  /** Rows whose ARN is greater, in the order of code units; from the first where it is undefined. */
  readonly after: string | undefined;
  /** At least 1. */
  readonly limit: number;
}

/**
 * Where keys and their aliases are kept. A store keeps what it is given, and checks no rules of its own:
 * what is due (a deletion, an expiry, a rotation) is the business of those who read.
 *
 * A store owns the material of its records. It keeps one {@link KeyMaterial} for each version while the
 * key is there, whatever else of the record changes, and destroys it when the key is removed, the material
 * is taken out of it, or the store is closed.
 */
export interface KeyStore {
  /**
   * The record from memory, if it is there and certainly current: then there is nothing to wait for.
   * Undefined says nothing about the key; ask {@link loadKey}.
   */
  peekKey(arn: string): KeyRecord | undefined;

  /** As {@link peekKey}, for an alias. */
  peekAlias(arn: string): AliasRecord | undefined;

  loadKey(arn: string): Promise<KeyRecord | undefined>;

  loadAlias(arn: string): Promise<AliasRecord | undefined>;

  /** Keys, sorted by ARN. */
  listKeys(page: Page): Promise<readonly KeyRecord[]>;

  /** Aliases, sorted by ARN; with `keyArn`, those of this key alone. */
  listAliases(page: Page, keyArn?: string): Promise<readonly AliasRecord[]>;

  /** The keys of this id in all Regions of a partition and account: a multi-Region key and its replicas. */
  keysWithId(id: string): Promise<readonly KeyRecord[]>;

  /**
   * Makes a change: all of it, or nothing where `body` throws or the store fails. Nobody sees any of it
   * before it is durable; every process sees it afterwards.
   *
   * @param body Synchronous and without side effects: it is called again with newer rows when another
   * process was faster. Its last result is returned.
   */
  change<Result>(names: ChangeNames, body: (transaction: Transaction) => Result): Promise<Result>;

  /** Releases everything and destroys all key material. */
  close(): Promise<void>;
}
