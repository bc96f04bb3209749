import {
  type ArnScope,
  arnPrefix,
  KeyNotFoundError,
  KeyWrapError,
  type ParsedKeyId,
} from '@keywrap/core';
import { newSymmetricVersion } from './create.js';
import { dueDate, keyAt, rotationsDue } from './due-changes.js';
import { presentKey, presentTarget } from './in-transaction.js';
import { isAlias, problemOfName } from './key-name.js';
import { MaterialOffer } from './material-offer.js';
import {
  afterReplicas,
  asReplica,
  following,
  isReplicaOf,
  primaryAmong,
  sharesMaterial,
} from './multi-region.js';
import { PendingDeletions } from './pending-deletions.js';
import { type AliasRecord, arnOf, isSameScope, type KeyRecord, type KeyVersion } from './record.js';
import type { KeyStore, Page } from './store.js';

/** Selects the rows of a list. */
export type ScopePage = Omit<Page, 'scope'>;

/** Makes the next record of a key. */
type Transition = (current: KeyRecord, hasReplicas: boolean) => KeyRecord;

/**
 * The keys and aliases of one scope (partition, Region and account), as of the clock's time. Due changes (a
 * deletion, an expiry, a rotation) are applied when a key is read, and written if possible.
 */
export class Keys {
  readonly store: KeyStore;
  readonly scope: ArnScope;
  readonly now: () => Date;
  readonly #prefix: string;
  /** The due changes now being written, by key ARN. */
  readonly #writing = new Map<string, Promise<KeyRecord | undefined>>();
  readonly #deletions: PendingDeletions;

  /** @param deletions Shared by the scopes of a store. */
  constructor(
    store: KeyStore,
    scope: ArnScope,
    now: () => Date,
    deletions = new PendingDeletions(),
  ) {
    this.#deletions = deletions;
    this.store = store;
    this.scope = scope;
    this.now = now;
    this.#prefix = arnPrefix(scope);
  }

  arnOf(id: string): string {
    return `${this.#prefix}key/${id}`;
  }

  aliasArnOf(alias: string): string {
    return this.#prefix + alias;
  }

  /** Tells whether a name belongs to this scope. As in AWS KMS, a name of another scope is not found. */
  isHere(name: ParsedKeyId): boolean {
    const isArn = name.kind === 'key-arn' || name.kind === 'alias-arn';
    return !isArn || isSameScope(name, this.scope);
  }

  /**
   * Returns the key of this name synchronously if it is in memory, current, and nothing is due. Undefined says
   * nothing about the key; call {@link load}.
   */
  peek(name: ParsedKeyId): KeyRecord | undefined {
    if (!this.isHere(name)) return undefined;
    if (!isAlias(name)) return this.peekId(name.id);
    const alias = this.store.peekAlias(this.aliasArnOf(name.alias));
    return alias && this.peekId(alias.keyId);
  }

  /** As {@link peek}, by id: for the key that a ciphertext names. */
  peekId(id: string): KeyRecord | undefined {
    const key = this.store.peekKey(this.arnOf(id));
    return key === undefined || this.#isDue(key) || waitsForReplicas(key) ? undefined : key;
  }

  /** Returns the key of this name; undefined if this scope has none. */
  async load(name: ParsedKeyId): Promise<KeyRecord | undefined> {
    if (!this.isHere(name)) return undefined;
    if (!isAlias(name)) return this.loadId(name.id);
    const alias = await this.store.loadAlias(this.aliasArnOf(name.alias));
    return alias && this.loadId(alias.keyId);
  }

  /** As {@link load}, by id. */
  async loadId(id: string): Promise<KeyRecord | undefined> {
    // An untrusted ciphertext may name anything, and databases do not keep NUL.
    if (problemOfName({ id }) !== undefined) return undefined;
    const key = await this.store.loadKey(this.arnOf(id));
    return key && this.#present(key);
  }

  /** Returns the replicas of a primary, in all Regions. */
  async replicasOf(primary: Pick<KeyRecord, 'id' | 'scope'>): Promise<readonly KeyRecord[]> {
    const related = await this.store.keysWithId(primary.id);
    const now = this.now();
    return related.filter((key) => isReplicaOf(key, primary) && keyAt(key, now) !== undefined);
  }

  /** Returns a page of the keys, sorted by ARN. */
  async list(page: ScopePage): Promise<readonly KeyRecord[]> {
    const read = (next: Page) => this.store.listKeys(next);
    return this.#list(page, read, arnOf, (key) => this.#present(key));
  }

  /** Returns a page of the aliases, sorted by ARN; with `key`, only those of this key. */
  async listAliases(page: ScopePage, key?: KeyRecord): Promise<readonly AliasRecord[]> {
    const keyArn = key && arnOf(key);
    return this.#list(
      page,
      (next) => this.store.listAliases(next, keyArn),
      ({ alias }) => this.aliasArnOf(alias),
      // Aliases of a key that is deleted by now are deleted with it.
      async (alias) => (await this.loadId(alias.keyId)) && alias,
    );
  }

  /**
   * Adds a key, and the alias if any, in one transaction, unless a key with its id or alias already
   * exists. A multi-Region key whose primary is in another Region becomes its replica, with its material.
   *
   * @param record Its material changes owner.
   * @returns The key that now has this id or alias.
   * @throws {@link InvalidInputError} if its primary is another kind of key, {@link KeyStateError} if it is pending
   * deletion.
   */
  async add(record: KeyRecord, alias?: string): Promise<KeyRecord> {
    await this.#removePast();
    const arn = arnOf(record);
    const creationDate = this.now();
    const ids = record.primaryRegion === undefined ? [] : [record.id];
    const aliasArns = alias === undefined ? [] : [this.aliasArnOf(alias)];
    const offer = new MaterialOffer(record.versions);
    const [kept] = await offer.settle(
      this.store.change({ keys: [arn], aliases: aliasArns, ids }, (transaction) => {
        const taken = aliasArns.map((each) => presentTarget(transaction, each, creationDate));
        const there = presentKey(transaction, arn, creationDate) ?? taken[0];
        if (there !== undefined) return [there];
        const related = ids.flatMap((id) => transaction.keysWithId(id));
        const present = related.filter((key) => keyAt(key, creationDate) !== undefined);
        const primary = primaryAmong(present, record);
        const added = primary === undefined ? record : asReplica(record, primary, offer.copy);
        // A key that is deleted by now is removed with its aliases.
        if (transaction.key(arn) !== undefined) transaction.removeKey(arn);
        transaction.putKey(added);
        if (alias !== undefined) {
          const { id: keyId, scope } = record;
          const lastUpdatedDate = creationDate;
          transaction.putAlias({ scope, alias, keyId, creationDate, lastUpdatedDate });
        }
        return [added];
      }),
    );
    return kept as KeyRecord;
  }

  /**
   * Changes a key, unless `transition` throws. Changes to the material or rotation of a multi-Region key are
   * made to its replicas in the same transaction.
   *
   * @param transition Returns the next record; free of side effects. It may be called again, with a record that
   * another process has changed meanwhile, so it checks all that it relies on. It also learns whether the key is a
   * primary that has replicas.
   * @param offered A version that `transition` may add to the key; otherwise its material is destroyed.
   * @throws {@link KeyNotFoundError} if the key was deleted meanwhile.
   */
  async change(key: KeyRecord, transition: Transition, offered?: KeyVersion): Promise<KeyRecord> {
    const [next] = await this.#change(key, transition, offered);
    if (next === undefined) {
      throw new KeyNotFoundError('the key was deleted meanwhile', { keyId: arnOf(key) });
    }
    this.#deletions.add(next);
    return next;
  }

  /** @returns The key and those that changed with it; an empty list if the key is deleted. */
  async #change(
    key: KeyRecord,
    transition: Transition,
    offered?: KeyVersion,
  ): Promise<readonly KeyRecord[]> {
    const arn = arnOf(key);
    const now = this.now();
    const newVersions = await Promise.all(
      rotationsDue(key, now).map(() => newSymmetricVersion(key.id)),
    );
    const offer = new MaterialOffer([...newVersions, ...(offered ? [offered] : [])]);
    const ids = key.primaryRegion === undefined ? [] : [key.id];
    return offer.settle(
      this.store.change({ keys: [arn], aliases: [], ids }, (transaction) => {
        const own = transaction.key(arn);
        if (own === undefined) return [];
        const related = ids.flatMap((id) => transaction.keysWithId(id));
        const primary = related.find((other) => isReplicaOf(own, other)) ?? own;
        const isPrimary = arnOf(primary) === arn;
        const replicas = related.filter((other) => isReplicaOf(other, primary));
        const due = afterReplicas(primary, replicas, now);
        if (keyAt(isPrimary ? due : own, now) === undefined) {
          transaction.removeKey(arn);
          if (due !== primary && !isPrimary) transaction.putKey(due);
          return [];
        }
        const hasReplicas = isPrimary && replicas.some((one) => keyAt(one, now) !== undefined);
        const next = (before: KeyRecord, present: KeyRecord) => {
          const after = arnOf(before) === arn ? transition(present, hasReplicas) : present;
          if (after !== before) transaction.putKey(after);
          return after;
        };
        const lead = next(primary, keyAt(due, now, newVersions) ?? due);
        const follow = (replica: KeyRecord) =>
          sharesMaterial(replica)
            ? following(replica, lead, offer.copy)
            : (keyAt(replica, now) ?? replica);
        const all = [lead, ...replicas.map((replica) => next(replica, follow(replica)))];
        return [all.find((changed) => arnOf(changed) === arn) as KeyRecord, ...all];
      }),
    );
  }

  /** Removes up to two keys that are deleted by now, so that no more stay than are made. */
  async #removePast(): Promise<void> {
    for (const arn of this.#deletions.takePast(this.now(), 2)) {
      // If it can't be read, that is no problem of the key that is being made.
      const past = await this.store.loadKey(arn).catch(() => undefined);
      if (past !== undefined) await this.#present(past).catch(() => {});
    }
  }

  /** Returns the key as of now; undefined if it is deleted. */
  async #present(key: KeyRecord): Promise<KeyRecord | undefined> {
    const isDue =
      this.#isDue(key) || (waitsForReplicas(key) && (await this.replicasOf(key)).length === 0);
    if (!isDue) return key;
    const arn = arnOf(key);
    const writing =
      this.#writing.get(arn) ?? this.#writeDue(key).finally(() => this.#writing.delete(arn));
    this.#writing.set(arn, writing);
    return writing;
  }

  async #writeDue(key: KeyRecord): Promise<KeyRecord | undefined> {
    try {
      const [next] = await this.#change(key, (present) => present);
      return next;
    } catch (error) {
      if (error instanceof KeyWrapError && UNWRITABLE.has(error.code))
        return keyAt(key, this.now());
      throw error;
    }
  }

  #isDue(key: KeyRecord): boolean {
    const due = dueDate(key);
    return due !== undefined && due <= this.now();
  }

  /** Reads on if rows of a page are deleted by now. */
  async #list<Row>(
    { after, limit }: ScopePage,
    read: (page: Page) => Promise<readonly Row[]>,
    arnOfRow: (row: Row) => string,
    present: (row: Row) => Promise<Row | undefined>,
  ): Promise<readonly Row[]> {
    const rows: Row[] = [];
    let next = after;
    for (;;) {
      const page = await read({ scope: this.scope, after: next, limit: limit - rows.length });
      for (const row of page) {
        const found = await present(row);
        if (found !== undefined) rows.push(found);
      }
      const last = page.at(-1);
      if (last === undefined || rows.length >= limit) return rows;
      next = arnOfRow(last);
    }
  }
}

/** Tells whether a key's deletion begins when its replicas are deleted. */
function waitsForReplicas({ keyState }: KeyRecord): boolean {
  return keyState === 'PendingReplicaDeletion';
}

/** Recognises errors of a store that can be read but not written: a full or read-only disk, a lock. */
const UNWRITABLE: ReadonlySet<string> = new Set(['UNAVAILABLE', 'ACCESS_DENIED']);
