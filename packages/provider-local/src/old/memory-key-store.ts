import { wipe } from '@keywrap/core';
import { hideBytes } from './hide-bytes.js';
import { allMaterials, type KeyRecord } from './key-record.js';
import type { KeyStore } from './key-store.js';

/**
 * Keeps keys in memory: for tests. They are gone when it is closed, and with them everything that was
 * encrypted under them.
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
  readonly #keys = new Map<string, KeyRecord>();
  readonly #aliases = new Map<string, string>();

  readKey(id: string): KeyRecord | undefined {
    return this.#keys.get(id);
  }

  listKeys(): readonly KeyRecord[] {
    return [...this.#keys.values()];
  }

  changeKey(id: string, change: (current: KeyRecord | undefined) => KeyRecord | undefined): void {
    const current = this.#keys.get(id);
    const next = change(current);
    const kept = new Set(next && allMaterials(next).map(({ material }) => material));
    for (const { material } of current === undefined ? [] : allMaterials(current)) {
      if (!kept.has(material)) wipe(material);
    }
    if (next !== undefined) {
      for (const { material } of allMaterials(next)) hideBytes(material);
      this.#keys.set(id, next);
      return;
    }
    this.#keys.delete(id);
    for (const [alias, target] of this.#aliases) {
      if (target === id) this.#aliases.delete(alias);
    }
  }

  readAlias(alias: string): string | undefined {
    return this.#aliases.get(alias);
  }

  listAliases(): readonly (readonly [alias: string, id: string])[] {
    return [...this.#aliases].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  changeAlias(alias: string, change: (current: string | undefined) => string | undefined): void {
    const next = change(this.#aliases.get(alias));
    if (next === undefined) this.#aliases.delete(alias);
    else this.#aliases.set(alias, next);
  }

  close(): void {
    for (const id of [...this.#keys.keys()]) this.changeKey(id, () => undefined);
  }
}
