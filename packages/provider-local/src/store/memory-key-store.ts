import { ProviderClosedError } from '@keywrap/core';
import {
  type AliasRecord,
  arnOf,
  isSameScope,
  type KeyRecord,
  materialsOf,
  targetOf,
} from '../keys/record.js';
import type { ChangeNames, KeyStore, Page, Transaction } from '../keys/store.js';
import { ChangeSet } from './change-set.js';
import { releaseMaterials } from './materials.js';

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

  lookOnce(): () => void {
    return () => {};
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
    return this.#aliases.list(page, this.#aliasesOfKey(keyArn).sort());
  }

  async keysWithId(id: string): Promise<readonly KeyRecord[]> {
    this.#assertOpen();
    return this.#withId(id);
  }

  async change<Result>(names: ChangeNames, body: (transaction: Transaction) => Result) {
    this.#assertOpen();
    const { keys, aliases, ids = [] } = names;
    const targets = aliases.flatMap((arn) => this.#aliases.get(arn) ?? []).map(targetOf);
    const related = ids.flatMap((id) => this.#withId(id)).map(arnOf);
    const keyArns = [...new Set([...keys, ...targets, ...related])];
    const aliasArns = [...aliases, ...keyArns.flatMap((arn) => this.#aliasesOfKey(arn))];
    // The body is synchronous, and what it changed is stored at once: no one sees a partial change.
    const set = new ChangeSet(
      names,
      keyArns.flatMap((arn) => this.#keys.get(arn) ?? []),
      aliasArns.flatMap((arn) => this.#aliases.get(arn) ?? []),
    );
    const result = body(set);
    for (const { arn, before, after } of set.keys) {
      this.#keys.set(arn, after);
      if (before !== undefined) releaseMaterials(before, after);
    }
    for (const { arn, before, after } of set.aliases) {
      if (before !== undefined) this.#forgetAlias(targetOf(before), arn);
      this.#aliases.set(arn, after);
      if (after === undefined) continue;
      const target = targetOf(after);
      this.#aliasesOf.set(target, (this.#aliasesOf.get(target) ?? new Set()).add(arn));
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

  #forgetAlias(target: string, arn: string): void {
    const arns = this.#aliasesOf.get(target);
    arns?.delete(arn);
    if (arns?.size === 0) this.#aliasesOf.delete(target);
  }

  #aliasesOfKey(arn: string): string[] {
    return [...(this.#aliasesOf.get(arn) ?? [])];
  }

  #withId(id: string): KeyRecord[] {
    return this.#keys.all().filter((key) => key.id === id);
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
