import type { ArnScope } from '@keywrap/core';
import type { AliasRecord, KeyRecord } from './record.js';

/** The rows that a change is about, by ARN. They are read together, before the change. */
export interface ChangeNames {
  readonly keys: readonly string[];
  readonly aliases: readonly string[];
  /** Ids of multi-Region keys: the change is about their keys in all Regions. */
  readonly ids?: readonly string[];
}

/**
 * The rows that a change reads and writes. It can read the keys, aliases and ids that it named, the keys of
 * those aliases, and the aliases of all these keys; reading anything else throws.
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

/** Selects the rows of a list. */
export interface Page {
  /** All scopes if undefined. */
  readonly scope: ArnScope | undefined;
  /** Returns rows whose ARN is greater, in the order of code units; from the first if undefined. */
  readonly after: string | undefined;
  /** At least 1. */
  readonly limit: number;
}

/**
 * Stores keys and their aliases. A store checks no rules: due changes (a deletion, an expiry, a rotation) are
 * made by its callers.
 *
 * A store owns the material of its records. It keeps one {@link KeyMaterial} per version while the key
 * exists, whatever else in the record changes, and destroys it when the key or the material is removed, or the
 * store is closed.
 */
export interface KeyStore {
  /**
   * Returns the record synchronously if it is in memory and certainly current. Undefined says nothing about
   * the key; call {@link loadKey}.
   */
  peekKey(arn: string): KeyRecord | undefined;

  /** As {@link peekKey}, for an alias. */
  peekAlias(arn: string): AliasRecord | undefined;

  /**
   * Looks now, for all calls of `peekKey` and `peekAlias` until the returned function is called, whether another process has
   * changed the store; by default each looks by itself. For calls that began before, and until this thread next receives
   * anything. A store that takes no time to look has nothing to do.
   */
  lookOnce(): () => void;

  loadKey(arn: string): Promise<KeyRecord | undefined>;

  loadAlias(arn: string): Promise<AliasRecord | undefined>;

  /** Keys, sorted by ARN. */
  listKeys(page: Page): Promise<readonly KeyRecord[]>;

  /** Aliases, sorted by ARN; with `keyArn`, only those of this key. */
  listAliases(page: Page, keyArn?: string): Promise<readonly AliasRecord[]>;

  /** The keys of this id in all Regions of a partition and account: a multi-Region key and its replicas. */
  keysWithId(id: string): Promise<readonly KeyRecord[]>;

  /**
   * Makes a change atomically: nothing happens if `body` throws or the store fails. No one sees the change
   * before it is durable; every process sees it afterwards.
   *
   * @param body Synchronous and free of side effects: after a conflict with another process it is called again
   * with newer rows. Its last result is returned.
   */
  change<Result>(names: ChangeNames, body: (transaction: Transaction) => Result): Promise<Result>;

  /** Releases everything and destroys all key material. */
  close(): Promise<void>;
}
