import { wipe } from '@keywrap/core';
import { hideBytes } from '../old/hide-bytes.js';
import { allMaterials, type KeyRecord } from '../old/key-record.js';
import type { Awaitable } from '../old/key-store.js';
import { DamagedStoreError } from './errors.js';
import { keepMaterials } from './keep-materials.js';
import type { Manifest } from './manifest-file.js';
import { decodeRecord, type RecordEntry } from './record-file.js';
import type { StoreState } from './store-state.js';

/** A record that was read, or is being read. */
interface Held {
  readonly file: string;
  readonly loading: Promise<KeyRecord>;
  record?: KeyRecord;
}

/** Wipes the material of a record that nobody uses. */
export function wipeRecord({ materials }: Pick<KeyRecord, 'materials'>): void {
  for (const { material } of materials) wipe(material);
}

/** Reads a record from the disk; its material is the caller's to wipe. @throws {@link DamagedStoreError} */
export async function readRecord(
  { folder, key }: StoreState,
  { storeId }: Manifest,
  id: string,
  entry: RecordEntry,
): Promise<{ readonly record: KeyRecord; readonly bytes: Uint8Array }> {
  const path = folder.records.pathOf(entry.file);
  const bytes = await folder.records.read(id, entry.file);
  if (bytes === undefined) throw new DamagedStoreError(path, 'is missing', { keyId: id });
  return { record: decodeRecord(key.files, path, bytes, storeId, id, entry), bytes };
}

/** The records of a store that were read already: each is read once, until it changes. */
export class HeldRecords {
  readonly #state: StoreState;
  readonly #held = new Map<string, Held>();
  /** Material that no record has any more. A call may be using it, so it is wiped at the end. */
  readonly #retired: Uint8Array[] = [];

  constructor(state: StoreState) {
    this.#state = state;
  }

  /** The record of a key as it is now; at once, where it was read already. */
  read(id: string): Awaitable<KeyRecord | undefined> {
    const manifest = this.#state.current();
    if (manifest instanceof Promise) return manifest.then(() => this.read(id));
    const entry = manifest.keys.get(id);
    if (entry === undefined) return undefined;
    const held = this.#held.get(id);
    return held?.file === entry.file && held.record !== undefined
      ? held.record
      : this.#load(manifest, id, entry);
  }

  /** Keeps a record that was just written. */
  keep(id: string, file: string, record: KeyRecord): void {
    for (const { material } of allMaterials(record)) hideBytes(material);
    this.#retire(this.#held.get(id)?.record, record);
    this.#held.set(id, { file, loading: Promise.resolve(record), record });
  }

  /** Wipes all material. */
  async wipe(): Promise<void> {
    for (const { loading } of this.#held.values()) {
      this.#retire(await loading.catch(() => undefined));
    }
    this.#held.clear();
    for (const material of this.#retired.splice(0)) wipe(material);
  }

  async #load(manifest: Manifest, id: string, entry: RecordEntry): Promise<KeyRecord | undefined> {
    const older = this.#held.get(id);
    let held = older;
    if (held?.file !== entry.file) {
      held = { file: entry.file, loading: this.#readAfter(older, manifest, id, entry) };
      this.#held.set(id, held);
    }
    try {
      held.record = await held.loading;
      return held.record;
    } catch (error) {
      if (this.#held.get(id) === held) {
        if (older === undefined || older === held) this.#held.delete(id);
        else this.#held.set(id, older);
      }
      // The file of a record is removed when a newer one takes its place.
      const { keys } = await this.#state.current();
      if (keys.get(id)?.file !== entry.file) return this.read(id);
      throw error;
    }
  }

  async #readAfter(
    older: Held | undefined,
    manifest: Manifest,
    id: string,
    entry: RecordEntry,
  ): Promise<KeyRecord> {
    const { record: read } = await readRecord(this.#state, manifest, id, entry);
    const before = await older?.loading.catch(() => undefined);
    const record = keepMaterials(read, before);
    this.#retire(before, record);
    return record;
  }

  #retire(record: KeyRecord | undefined, next?: KeyRecord): void {
    const kept = new Set(next && allMaterials(next).map(({ material }) => material));
    for (const { material } of record === undefined ? [] : allMaterials(record)) {
      if (!kept.has(material)) this.#retired.push(material);
    }
  }
}
