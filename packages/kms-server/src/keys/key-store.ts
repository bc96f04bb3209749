import { type ArnScope, formatAliasArn, formatKeyArn } from '@keywrap/core';
import { type Awaitable, andThen } from '@keywrap/provider-local/old-keys';
import { KmsError } from '../protocol/kms-error.js';
import { aliasNotFound, aliasTaken } from './find-key.js';
import type { AliasDates, KmsKey } from './kms-key.js';
import { atTime, isDeleted, isStale } from './passing-time.js';
import type { RegionStore } from './region-store.js';

/** An alias, the id of its key, and its dates. */
export interface Alias {
  readonly alias: string;
  readonly keyId: string;
  readonly dates: AliasDates;
}

/**
 * The keys and aliases of one region, as they are at the time of the clock. With a store in memory, what
 * finds a key answers at once.
 */
export class RegionKeys {
  readonly #store: RegionStore;

  /**
   * @param store Shared with provider-local.
   * @param scope Where the keys are.
   * @param now The clock.
   */
  constructor(
    store: RegionStore,
    readonly scope: ArnScope,
    readonly now: () => Date,
  ) {
    this.#store = store;
  }

  /** The key with this id. */
  get(id: string): Awaitable<KmsKey | undefined> {
    return andThen(this.#store.readKey(id), (key) => key && this.#atPresent(key));
  }

  /** All keys. */
  async list(): Promise<readonly KmsKey[]> {
    const keys: KmsKey[] = [];
    for (const stored of await this.#store.listKeys()) {
      const key = await this.#atPresent(stored);
      if (key !== undefined) keys.push(key);
    }
    return keys;
  }

  /** Adds a key. @returns The key that has its id from now on: that of another, if one was there. */
  async add(key: KmsKey): Promise<KmsKey> {
    let kept = key;
    await this.#store.changeKey(key.id, (current) => {
      kept = current ?? key;
      return kept;
    });
    return kept;
  }

  /** Removes a key at once. */
  async remove({ id }: KmsKey): Promise<void> {
    await this.#store.changeKey(id, () => undefined);
  }

  /**
   * Takes a key from one state to the next, unless `transition` throws. It may be called again, with
   * what another process has made of the key meanwhile, so it has to check what it relies on.
   *
   * @throws KmsError `NotFoundException` when it was deleted since it was found.
   */
  change(id: string, transition: (key: KmsKey) => KmsKey): Awaitable<KmsKey> {
    let next: KmsKey | undefined;
    const changed = this.#store.changeKey(id, (current) => {
      const now = this.now();
      if (current === undefined || isDeleted(current, now)) {
        throw new KmsError('NotFoundException', `Key '${this.arnOf({ id })}' does not exist`);
      }
      next = transition(atTime(current, now));
      return next;
    });
    return andThen(changed, () => next as KmsKey);
  }

  arnOf({ id }: Pick<KmsKey, 'id'>): string {
    return formatKeyArn(id, this.scope);
  }

  aliasArnOf(alias: string): string {
    return formatAliasArn(alias, this.scope);
  }

  /** The key that an alias stands for. */
  getByAlias(alias: string): Awaitable<KmsKey | undefined> {
    return andThen(this.#store.readAlias(alias), (id) =>
      id === undefined ? undefined : this.get(id),
    );
  }

  /**
   * An alias whose key is gone is free.
   *
   * @throws KmsError `AlreadyExistsException`, `NotFoundException` when the key was deleted.
   */
  async createAlias(alias: string, { id }: KmsKey): Promise<void> {
    const previous = await this.#store.readAlias(alias);
    const isGone = previous !== undefined && (await this.get(previous)) === undefined;
    const created = this.now();
    await this.#setDates(alias, id, { created, updated: created });
    await this.#store.changeAlias(alias, (current) => {
      const isFree = current === undefined || (isGone && current === previous);
      if (!isFree) throw aliasTaken(this, alias);
      return id;
    });
  }

  /** Makes an alias stand for another key. @throws KmsError `NotFoundException` */
  async updateAlias(alias: string, { id }: KmsKey): Promise<void> {
    const previous = await this.getByAlias(alias);
    const updated = this.now();
    const { created = updated } = previous?.aliasDates[alias] ?? {};
    await this.#setDates(alias, id, { created, updated });
    await this.#store.changeAlias(alias, (current) => {
      if (current === undefined) throw aliasNotFound(this, alias);
      return id;
    });
    if (previous !== undefined && previous.id !== id) await this.#forgetDates(alias, previous);
  }

  /** @throws KmsError `NotFoundException` */
  async deleteAlias(alias: string): Promise<void> {
    const key = await this.getByAlias(alias);
    await this.#store.changeAlias(alias, (current) => {
      if (current === undefined) throw aliasNotFound(this, alias);
      return undefined;
    });
    if (key !== undefined) await this.#forgetDates(alias, key);
  }

  /** All aliases, sorted by name. */
  async listAliases(): Promise<readonly Alias[]> {
    // With a key that is deleted by now go its aliases.
    const keys = new Map((await this.list()).map((key) => [key.id, key]));
    const aliases: Alias[] = [];
    for (const [alias, keyId] of await this.#store.listAliases()) {
      const key = keys.get(keyId) ?? (await this.get(keyId));
      if (key === undefined) continue;
      const { creationDate } = key;
      // Between two looks at the store the alias may have been given to this key.
      const dates = key.aliasDates[alias] ?? { created: creationDate, updated: creationDate };
      aliases.push({ alias, keyId, dates });
    }
    return aliases;
  }

  /** Comes before the alias itself, so that none is ever without its dates. */
  async #setDates(alias: string, id: string, dates: AliasDates): Promise<void> {
    await this.change(id, (key) => ({
      ...key,
      aliasDates: { ...key.aliasDates, [alias]: dates },
    }));
  }

  /** A process that is killed before this leaves dates that do no harm: a new alias has new ones. */
  async #forgetDates(alias: string, { id }: KmsKey): Promise<void> {
    await this.#store.changeKey(id, (key) => {
      if (key?.aliasDates[alias] === undefined) return key;
      const { [alias]: _, ...aliasDates } = key.aliasDates;
      return { ...key, aliasDates };
    });
  }

  #atPresent(key: KmsKey): Awaitable<KmsKey | undefined> {
    const now = this.now();
    if (!isDeleted(key, now) && !isStale(key, now)) return key;
    let present: KmsKey | undefined;
    const changed = this.#store.changeKey(key.id, (current) => {
      present = current && !isDeleted(current, now) ? atTime(current, now) : undefined;
      return present;
    });
    return andThen(changed, () => present);
  }
}
