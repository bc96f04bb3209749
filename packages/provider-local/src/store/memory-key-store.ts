import { ProviderClosedError } from '@keywrap/core';
import {
  type AliasRecord,
  aliasArnOf,
  arnOf,
  isSameScope,
  type KeyRecord,
  materialsOf,
  targetOf,
} from '../keys/record.js';
import type { ChangeNames, KeyStore, Page, Transaction } from '../keys/store.js';

/**
 * Keeps keys in memory, for tests. Closing it destroys them, and with them everything that was encrypted
 * under them.
 *
 * @example
 * ```ts
 * import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
 *
 * const store = new MemoryKeyStore();
 * const provider = new LocalKeyWrapProvider({ store, keys: ['alias/orders'] });
 * ```
 */
export class MemoryKeyStore implements KeyStore {
  readonly #keys = new Rows<KeyRecord>();
  readonly #aliases = new Rows<AliasRecord>();
  /** The ARNs of the aliases of each key. */
  readonly #aliasesOf = new Map<string, Set<string>>();
  #isClosed = false;

  peekKey(arn: string): KeyRecord | undefined {
    return this.#keys.get(arn);
  }

  peekAlias(arn: string): AliasRecord | undefined {
    return this.#aliases.get(arn);
  }

  async loadKey(arn: string): Promise<KeyRecord | undefined> {
    this.#assertOpen();
    return this.#keys.get(arn);
  }

  async loadAlias(arn: string): Promise<AliasRecord | undefined> {
    this.#assertOpen();
    return this.#aliases.get(arn);
  }

  async listKeys(page: Page): Promise<readonly KeyRecord[]> {
    this.#assertOpen();
    return this.#keys.list(page);
  }

  async listAliases(page: Page, keyArn?: string): Promise<readonly AliasRecord[]> {
    this.#assertOpen();
    if (keyArn === undefined) return this.#aliases.list(page);
    return this.#aliases.list(page, [...(this.#aliasesOf.get(keyArn) ?? [])].sort());
  }

  async keysWithId(id: string): Promise<readonly KeyRecord[]> {
    this.#assertOpen();
    return this.#withId(id);
  }

  async change<Result>(names: ChangeNames, body: (transaction: Transaction) => Result) {
    this.#assertOpen();
    // The body is synchronous: no one sees a partial change.
    const undo: (() => void)[] = [];
    const before: KeyRecord[] = [];
    const setKey = (arn: string, next: KeyRecord | undefined) => {
      const current = this.#keys.get(arn);
      if (current !== undefined) before.push(current);
      undo.push(() => this.#keys.set(arn, current));
      this.#keys.set(arn, next);
    };
    const setAlias = (arn: string, next: AliasRecord | undefined) => {
      const current = this.#aliases.get(arn);
      undo.push(() => this.#setAlias(arn, current));
      this.#setAlias(arn, next);
    };
    const seen = this.#seen(names);
    let result: Result;
    try {
      result = body({
        key: (arn) => this.#keys.get(seen.key(arn)),
        alias: (arn) => this.#aliases.get(seen.alias(arn)),
        aliasesOf: (arn) => this.#aliasesOfKey(seen.key(arn)),
        keysWithId: (id) => this.#withId(seen.id(id)),
        putKey: (record) => setKey(seen.key(arnOf(record)), record),
        removeKey: (arn) => {
          for (const alias of this.#aliasesOfKey(seen.key(arn)))
            setAlias(aliasArnOf(alias), undefined);
          setKey(arn, undefined);
        },
        putAlias: (record) => setAlias(seen.alias(aliasArnOf(record)), record),
        removeAlias: (arn) => setAlias(seen.alias(arn), undefined),
      });
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
    const after = before.map((key) => this.#keys.get(arnOf(key)));
    const kept = new Set(after.flatMap((key) => (key === undefined ? [] : materialsOf(key))));
    for (const material of before.flatMap(materialsOf)) {
      if (!kept.has(material)) material.destroy();
    }
    return result;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const material of this.#keys.all().flatMap(materialsOf)) material.destroy();
    this.#keys.clear();
    this.#aliases.clear();
    this.#aliasesOf.clear();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ProviderClosedError('the key store was closed');
  }

  #setAlias(arn: string, next: AliasRecord | undefined): void {
    const current = this.#aliases.get(arn);
    if (current !== undefined) this.#forgetAlias(targetOf(current), arn);
    this.#aliases.set(arn, next);
    if (next === undefined) return;
    const target = targetOf(next);
    this.#aliasesOf.set(target, (this.#aliasesOf.get(target) ?? new Set()).add(arn));
  }

  #forgetAlias(target: string, arn: string): void {
    const arns = this.#aliasesOf.get(target);
    arns?.delete(arn);
    if (arns?.size === 0) this.#aliasesOf.delete(target);
  }

  #aliasesOfKey(arn: string): readonly AliasRecord[] {
    const arns = [...(this.#aliasesOf.get(arn) ?? [])].sort();
    return arns.map((alias) => this.#aliases.get(alias) as AliasRecord);
  }

  #withId(id: string): readonly KeyRecord[] {
    return this.#keys.all().filter((key) => key.id === id);
  }

  /** Limits a change to the names it gave, as in stores that read those before the change. */
  #seen({ keys, aliases, ids = [] }: ChangeNames) {
    const targets = aliases
      .map((arn) => this.#aliases.get(arn))
      .filter((alias) => alias !== undefined);
    const related = ids.flatMap((id) => this.#withId(id));
    const seenKeys = new Set([...keys, ...related.map(arnOf), ...targets.map(targetOf)]);
    const ofKeys = [...seenKeys].flatMap((arn) => this.#aliasesOfKey(arn));
    const only = (names: ReadonlySet<string>) => (name: string) => {
      if (names.has(name)) return name;
      throw new Error(`the change did not name ${name}`);
    };
    return {
      key: only(seenKeys),
      alias: only(new Set([...aliases, ...ofKeys.map(aliasArnOf)])),
      id: only(new Set(ids)),
    };
  }
}

/** Records by ARN, sorted when listed. */
class Rows<Row extends KeyRecord | AliasRecord> {
  readonly #rows = new Map<string, Row>();
  #sorted: readonly string[] | undefined;

  get(arn: string): Row | undefined {
    return this.#rows.get(arn);
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }

  set(arn: string, row: Row | undefined): void {
    if (this.#rows.has(arn) !== (row !== undefined)) this.#sorted = undefined;
    if (row === undefined) this.#rows.delete(arn);
    else this.#rows.set(arn, row);
  }

  clear(): void {
    this.#rows.clear();
    this.#sorted = undefined;
  }

  /** @param sorted The ARNs to list. */
  list({ scope, after, limit }: Page, sorted = this.#names()): Row[] {
    const page: Row[] = [];
    for (let i = after === undefined ? 0 : firstAfter(sorted, after); i < sorted.length; i++) {
      const row = this.#rows.get(sorted[i] as string) as Row;
      if (scope === undefined || isSameScope(row.scope, scope)) page.push(row);
      if (page.length === limit) break;
    }
    return page;
  }

  #names(): readonly string[] {
    this.#sorted ??= [...this.#rows.keys()].sort();
    return this.#sorted;
  }
}

/** Returns the index of the first greater name, by binary search. */
function firstAfter(sorted: readonly string[], after: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
