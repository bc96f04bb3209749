import { type ArnScope, formatAliasArn, formatKeyArn, wipe } from '@keywrap/core';
import { MemoryKeyStore } from '@keywrap/provider-local';
import { KmsError } from '../protocol/kms-error.js';
import type { KmsKey } from './kms-key.js';
import { atTime, isDeleted, isStale } from './passing-time.js';

/** When an alias was made and last changed. */
export interface AliasDates {
  readonly created: Date;
  readonly updated: Date;
}

/** Wipes what waits for a rotation too, of which its base knows nothing. */
class KmsKeyStore extends MemoryKeyStore {
  override changeKey(...[id, change]: Parameters<MemoryKeyStore['changeKey']>): void {
    const pending = this.#pendingOf(id);
    super.changeKey(id, change);
    const isUsed = this.readKey(id)?.materials.some(({ material }) => material === pending);
    if (pending !== undefined && this.#pendingOf(id) !== pending && isUsed !== true) wipe(pending);
  }

  #pendingOf(id: string): Uint8Array | undefined {
    return (this.readKey(id) as KmsKey | undefined)?.pending?.material;
  }
}

/** The keys and aliases of one region, as they are at the time of the clock. Shared with provider-local. */
export class RegionKeys {
  /** What provider-local reads the same keys from. */
  readonly store: MemoryKeyStore = new KmsKeyStore();
  readonly #aliasDates = new Map<string, AliasDates>();

  /**
   * @param scope Where the keys are.
   * @param now The clock.
   */
  constructor(
    readonly scope: ArnScope,
    readonly now: () => Date,
  ) {}

  /** The key with this id. */
  get(id: string): KmsKey | undefined {
    // Everything that is put into the store is a KmsKey, see `add` and `change`.
    const key = this.store.readKey(id) as KmsKey | undefined;
    return key && this.#atPresent(key);
  }

  /** All keys, the oldest first. */
  list(): readonly KmsKey[] {
    const keys = this.store.listKeys() as readonly KmsKey[];
    return keys.map((key) => this.#atPresent(key)).filter((key) => key !== undefined);
  }

  add(key: KmsKey): void {
    this.store.changeKey(key.id, () => key);
  }

  /**
   * Takes a key from one state to the next, unless `transition` throws.
   *
   * @throws KmsError `NotFoundException` when it was deleted since it was found.
   */
  change(id: string, transition: (key: KmsKey) => KmsKey): KmsKey {
    const current = this.store.readKey(id) as KmsKey | undefined;
    if (current === undefined) {
      throw new KmsError('NotFoundException', `Key '${this.arnOf({ id })}' does not exist`);
    }
    const next = transition(current);
    this.store.changeKey(id, () => next);
    return next;
  }

  arnOf({ id }: Pick<KmsKey, 'id'>): string {
    return formatKeyArn(id, this.scope);
  }

  aliasArnOf(alias: string): string {
    return formatAliasArn(alias, this.scope);
  }

  /** The key that an alias stands for. */
  getByAlias(alias: string): KmsKey | undefined {
    const id = this.store.readAlias(alias);
    return id === undefined ? undefined : this.get(id);
  }

  /** Makes an alias, or makes it stand for another key. */
  putAlias(alias: string, { id }: KmsKey): void {
    this.store.changeAlias(alias, () => id);
    const updated = this.now();
    const created = this.#aliasDates.get(alias)?.created ?? updated;
    this.#aliasDates.set(alias, { created, updated });
  }

  deleteAlias(alias: string): void {
    this.store.changeAlias(alias, () => undefined);
    this.#aliasDates.delete(alias);
  }

  /** All aliases, sorted by name, with the ids of their keys. */
  listAliases(): readonly {
    readonly alias: string;
    readonly keyId: string;
    readonly dates: AliasDates;
  }[] {
    this.list(); // With a key that is deleted by now go its aliases.
    return this.store.listAliases().map(([alias, keyId]) => {
      const dates = this.#aliasDates.get(alias) as AliasDates;
      return { alias, keyId, dates };
    });
  }

  #atPresent(key: KmsKey): KmsKey | undefined {
    const now = this.now();
    if (isDeleted(key, now)) {
      this.store.changeKey(key.id, () => undefined);
      return undefined;
    }
    return isStale(key, now) ? this.change(key.id, (current) => atTime(current, now)) : key;
  }
}
