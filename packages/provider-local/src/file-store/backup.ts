import { InvalidInputError } from '@keywrap/core';
import { DamagedStoreError } from './errors.js';
import { readRecord, wipeRecord } from './held-records.js';
import {
  encodeManifest,
  type ManifestHeader,
  openManifest,
  parseManifest,
  readManifestHeader,
} from './manifest-file.js';
import { decodeRecord } from './record-file.js';
import {
  lengthPrefixed,
  malformedFile,
  openFile,
  parseFile,
  sealFile,
  splitLengthPrefixed,
} from './sealed-file.js';
import { StoreFolder } from './store-folder.js';
import { StoreKey, type StoreProtection } from './store-key.js';
import { StoreState } from './store-state.js';

/** Told how much of a long work is done: so many keys, of so many. */
export type OnProgress = (done: number, total: number) => void;

/** What stands readable at the beginning of a backup; the rest of it is encrypted. */
interface BackupHeader extends ManifestHeader {
  /** When it was made: ISO 8601. */
  readonly date: string;
}

/** What to restore, and where. */
export interface RestoreOptions {
  /** The folder of the store to make: missing, or empty. */
  readonly folder: string;
  /** What `FileKeyStore.backup` gave. */
  readonly backup: Uint8Array;
  /** What protected the store when the backup was made. */
  readonly protectedBy: StoreProtection;
  readonly onProgress?: OnProgress | undefined;
}

const NAME = 'the backup';

/** Writes one state of the store: its manifest and all records of it, checked, in one sealed file. */
export async function writeBackup(state: StoreState, onProgress?: OnProgress): Promise<Uint8Array> {
  for (;;) {
    const manifest = await state.current();
    const { keys, aliases: _, ...header } = manifest;
    const files = [encodeManifest(state.key.files, manifest)];
    try {
      for (const [id, entry] of keys) {
        const { record, bytes } = await readRecord(state, manifest, id, entry);
        wipeRecord(record);
        files.push(bytes);
        onProgress?.(files.length - 1, keys.size);
      }
    } catch (error) {
      // Another process has changed the store, and removed a record of this state.
      if (error instanceof DamagedStoreError && !state.isCurrent(manifest)) continue;
      throw error;
    }
    const backupHeader: BackupHeader = { ...header, date: new Date().toISOString() };
    return sealFile(state.key.files, 'backup', backupHeader, lengthPrefixed(files));
  }
}

/**
 * Checks a backup to the last byte, and then makes the store again that it was made of: of the same
 * generation, with the same key, protected by what protected it then.
 */
export async function restoreBackup(options: RestoreOptions): Promise<StoreState> {
  const folder = new StoreFolder(options.folder);
  if ((await folder.readNewest()) !== undefined) {
    throw new InvalidInputError(
      'folder',
      `${folder.path} holds a key store already; restore to another folder, then put it in the place of that one`,
    );
  }
  const sealed = parseFile({ path: NAME }, 'backup', options.backup);
  const { storeId, generation, protection } = readManifestHeader(sealed);
  const key = await StoreKey.unwrap(storeId, options.protectedBy, protection);
  try {
    const [bytes, ...files] = splitLengthPrefixed(sealed, openFile(key.files, sealed));
    if (bytes === undefined) throw malformedFile(sealed);
    const path = `the manifest in ${NAME}`;
    const file = parseManifest(path, bytes, generation);
    const manifest = openManifest(key.files, file);
    if (files.length !== manifest.keys.size) throw malformedFile(sealed);
    const records = [...manifest.keys].map(([id, entry], index) => {
      const record = files[index] as Uint8Array;
      wipeRecord(decodeRecord(key.files, `a record in ${NAME}`, record, storeId, id, entry));
      return [entry.file, record] as const;
    });
    await folder.prepare();
    for (const [index, [name, record]] of records.entries()) {
      await folder.records.restore(name, record);
      options.onProgress?.(index + 1, records.length);
    }
    // The manifest comes last: before, there is no store that anybody could open.
    if (await folder.commit(undefined, generation, bytes)) {
      return new StoreState(folder, key, manifest);
    }
    throw new InvalidInputError('folder', `${folder.path} was made a key store meanwhile`);
  } catch (error) {
    key.destroy();
    throw error;
  }
}
