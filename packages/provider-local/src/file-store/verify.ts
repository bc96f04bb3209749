import type { OnProgress } from './backup.js';
import { DamagedStoreError } from './errors.js';
import { readRecord, wipeRecord } from './held-records.js';
import type { StoreState } from './store-state.js';

/** What `FileKeyStore.verify` found. */
export interface StoreReport {
  /** The number of changes that the store has seen. It never goes down, unless an old copy was put back. */
  readonly generation: number;
  /** How many keys there are. */
  readonly keys: number;
  /** The files that are not what the store wrote. */
  readonly damaged: readonly DamagedStoreError[];
  /** Files in the folder that are not of the store, or of no use any more: none of them harms. */
  readonly strays: readonly string[];
}

/** Reads every record anew, whatever is in memory. */
export async function verifyStore(
  state: StoreState,
  onProgress?: OnProgress,
): Promise<StoreReport> {
  for (;;) {
    const manifest = await state.current();
    const { generation, keys } = manifest;
    const damaged: DamagedStoreError[] = [];
    let done = 0;
    for (const [id, entry] of keys) {
      try {
        wipeRecord((await readRecord(state, manifest, id, entry)).record);
      } catch (error) {
        if (!(error instanceof DamagedStoreError)) throw error;
        damaged.push(error);
      }
      onProgress?.(++done, keys.size);
    }
    const used = new Set([...keys.values()].map(({ file }) => file));
    const strays = await state.folder.listStrays(generation, (file) => used.has(file));
    if (state.isCurrent(manifest)) return { generation, keys: keys.size, damaged, strays };
  }
}
