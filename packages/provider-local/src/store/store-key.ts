import { hkdfSync } from 'node:crypto';
import type { AesKey } from '../engines/index.js';
import { StoreKey as FirstStoreKey } from '../file-store/store-key.js';

// The only import of what protects a store, until store/protection takes its place.
export type { ScryptCost } from '../file-store/passphrase.js';
export type { StoreProtection } from '../file-store/store-key.js';

export class StoreKey {
  readonly #first: FirstStoreKey;
  readonly rows: AesKey;
  readonly rowSet: Uint8Array;

  private constructor(storeId: string, first: FirstStoreKey) {
    this.#first = first;
    this.rows = first.files;
    this.rowSet = new Uint8Array(
      hkdfSync('sha256', first.audit, storeId, 'keywrap store v2 row set', 32),
    );
  }

  static generate(storeId: string): StoreKey {
    return new StoreKey(storeId, FirstStoreKey.generate(storeId));
  }

  static async unwrap(
    storeId: string,
    protection: Parameters<typeof FirstStoreKey.unwrap>[1],
    record: unknown,
  ): Promise<StoreKey> {
    return new StoreKey(storeId, await FirstStoreKey.unwrap(storeId, protection, record as never));
  }

  get audit(): Uint8Array {
    return this.#first.audit;
  }

  wrap(...args: Parameters<FirstStoreKey['wrap']>): Promise<object> {
    return this.#first.wrap(...args);
  }

  destroy(): void {
    this.rowSet.fill(0);
    this.#first.destroy();
  }
}
