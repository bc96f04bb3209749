import {
  InvalidInputError,
  ProviderClosedError,
  ProviderUnavailableError,
  readFields,
  wipe,
} from '@keywrap/core';
import type { KeyRecord } from '../keys/key-record.js';
import type { Awaitable, KeyStore } from '../keys/key-store.js';
import { DamagedStoreError } from './errors.js';
import { keepMaterials } from './keep-materials.js';
import { encodeManifest, type Manifest, openManifest, parseManifest } from './manifest-file.js';
import type { ScryptCost } from './passphrase.js';
import { decodeRecord, digestOf, encodeRecord, type RecordEntry } from './record-file.js';
import { type ManifestBytes, notAStore, StoreFolder } from './store-folder.js';
import { StoreKey, type StoreProtection } from './store-key.js';

/** Where a store is, and what opens it. */
export interface FileKeyStoreOptions {
  /** The path of the folder. Private to its owner; on a local file system that has hard links. */
  readonly folder: string;
  /** A passphrase, or a key of another provider. */
  readonly protectedBy: StoreProtection;
  /** Makes a new store where the folder is missing or empty. By default that is an error: the path may be wrong. */
  readonly create?: boolean | undefined;
  /** For a new store with a passphrase: the work that a guess takes. */
  readonly scrypt?: ScryptCost | undefined;
}

/** A record that was read, or is being read. */
interface Held {
  readonly file: string;
  readonly loading: Promise<KeyRecord>;
  record?: KeyRecord;
}

/** What a change leaves of a manifest's lists. */
type Change = Partial<Pick<Manifest, 'keys' | 'aliases' | 'protection'>>;

/** How often a change is tried again because other processes were faster. */
const ATTEMPTS = 1000;

/**
 * Keeps keys in a folder, encrypted. Several processes may use the same folder: each sees what the
 * others have done as soon as they have been told that it is done. A change that was reported done
 * survives a crash; one that was not is there wholly or not at all. `docs/key-store.md` has the format
 * and what it protects from.
 *
 * Methods throw `DamagedStoreError` for a file that is not what the store wrote,
 * `ProviderUnavailableError` when the disk is full or fails, `AccessDeniedError` when the folder is
 * read-only or not private, and `ProviderClosedError` once closed.
 *
 * @example
 * ```ts
 * import { LocalKeyWrapProvider } from '@keywrap/provider-local';
 * import { FileKeyStore } from '@keywrap/provider-local/file-store';
 *
 * async function openKeys(passphrase: string): Promise<LocalKeyWrapProvider> {
 *   const store = await FileKeyStore.open({
 *     folder: '/var/lib/orders/keys',
 *     protectedBy: { passphrase },
 *     create: true,
 *   });
 *   return new LocalKeyWrapProvider({ store, keys: ['alias/orders'] });
 * }
 * ```
 */
export class FileKeyStore implements KeyStore {
  readonly #folder: StoreFolder;
  readonly #key: StoreKey;
  #manifest: Manifest;
  #held = new Map<string, Held>();
  /** Material of keys that were deleted: a call may be using it, so it is wiped at the end. */
  readonly #retired: Uint8Array[] = [];
  #reloading: Promise<void> | undefined;
  #lastChange: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(folder: StoreFolder, key: StoreKey, manifest: Manifest) {
    this.#folder = folder;
    this.#key = key;
    this.#manifest = manifest;
  }

  /**
   * Opens a store, or makes it. Takes as long as the passphrase is meant to take, half a second or so.
   *
   * @throws {@link InvalidInputError} when the folder holds no store, something else, or a store that is
   * protected in the other way; `AccessDeniedError` for a wrong passphrase or a folder that is not
   * private; `UnsupportedOperationError` for another version of the format; {@link DamagedStoreError};
   * whatever the protecting provider throws. Nothing is written then.
   */
  static async open(options: FileKeyStoreOptions): Promise<FileKeyStore> {
    const names = ['folder', 'protectedBy', 'create', 'scrypt'] as const;
    const { folder: location, create } = readFields(options, 'options', names);
    if (typeof location !== 'string' || location === '') {
      throw new InvalidInputError('options.folder', 'must be the path of a folder');
    }
    const { protectedBy, scrypt } = options;
    if (typeof protectedBy !== 'object' || protectedBy === null) {
      throw new InvalidInputError(
        'options.protectedBy',
        'must be { passphrase }, or { provider, keyId }',
      );
    }
    const folder = new StoreFolder(location);
    const newest = await folder.readNewest();
    if (newest !== undefined) return FileKeyStore.#load(folder, newest, protectedBy);
    if (create !== true) {
      throw notAStore(folder.path, 'there is no manifest in it, and `create` is not set');
    }
    await folder.prepare();
    const made = await FileKeyStore.#create(folder, protectedBy, scrypt);
    return made ?? FileKeyStore.open(options);
  }

  static async #load(
    folder: StoreFolder,
    { path, bytes, generation }: ManifestBytes,
    protectedBy: StoreProtection,
  ): Promise<FileKeyStore> {
    await folder.assertPrivate();
    const file = parseManifest(path, bytes, generation);
    const { storeId, protection } = file.header;
    const key = await StoreKey.unwrap(storeId, protectedBy, protection);
    try {
      return new FileKeyStore(folder, key, openManifest(key.files, file));
    } catch (error) {
      key.destroy();
      throw error;
    }
  }

  /** Gives `undefined` when another process made the store meanwhile. */
  static async #create(
    folder: StoreFolder,
    protectedBy: StoreProtection,
    scrypt: ScryptCost | undefined,
  ): Promise<FileKeyStore | undefined> {
    const storeId = crypto.randomUUID();
    const key = StoreKey.generate(storeId);
    const manifest: Manifest = {
      storeId,
      generation: 1,
      protection: await key.wrap(storeId, protectedBy, scrypt),
      keys: new Map(),
      aliases: new Map(),
    };
    const won = await folder.commit(1, encodeManifest(key.files, manifest));
    if (won) return new FileKeyStore(folder, key, manifest);
    key.destroy();
    return undefined;
  }

  readKey(id: string): Awaitable<KeyRecord | undefined> {
    const manifest = this.#current();
    if (manifest instanceof Promise) return manifest.then(() => this.readKey(id));
    const entry = manifest.keys.get(id);
    if (entry === undefined) return undefined;
    const held = this.#held.get(id);
    return held?.file === entry.file && held.record !== undefined
      ? held.record
      : this.#read(id, entry);
  }

  async listKeys(): Promise<readonly KeyRecord[]> {
    const manifest = await this.#current();
    const records: KeyRecord[] = [];
    // One after the other: all at once would take as many open files as there are keys.
    for (const id of manifest.keys.keys()) {
      const record = await this.readKey(id);
      if (record !== undefined) records.push(record);
    }
    // Otherwise the list is of one state and the records of another; most of them are in memory now.
    return manifest === this.#manifest ? records : this.listKeys();
  }

  async changeKey(
    id: string,
    change: (current: KeyRecord | undefined) => KeyRecord | undefined,
  ): Promise<void> {
    await this.#change(async (manifest) => {
      const current = await this.readKey(id);
      // The store has moved on while the record was read: begin again.
      if (manifest !== this.#manifest) return false;
      const next = change(current);
      if (next !== undefined && next === current) return true;
      return next === undefined ? this.#remove(manifest, id) : this.#put(manifest, id, next);
    });
  }

  readAlias(alias: string): Awaitable<string | undefined> {
    const manifest = this.#current();
    if (manifest instanceof Promise) return manifest.then(({ aliases }) => aliases.get(alias));
    return manifest.aliases.get(alias);
  }

  async listAliases(): Promise<readonly (readonly [alias: string, id: string])[]> {
    const { aliases } = await this.#current();
    return [...aliases].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async changeAlias(
    alias: string,
    change: (current: string | undefined) => string | undefined,
  ): Promise<void> {
    await this.#change(async (manifest) => {
      const current = manifest.aliases.get(alias);
      const next = change(current);
      if (next === current) return true;
      const aliases = new Map(manifest.aliases);
      if (next === undefined) aliases.delete(alias);
      else aliases.set(alias, next);
      return this.#commit(manifest, { aliases });
    });
  }

  /**
   * Protects the store by another passphrase or provider, or by the same passphrase with other
   * settings. The key of the store stays: processes that have it open go on, and a copy of the folder
   * from before still opens with what protected it then.
   *
   * @param scrypt For a passphrase: the work that a guess takes; by default today's default.
   */
  async protect(protectedBy: StoreProtection, scrypt?: ScryptCost): Promise<void> {
    const { storeId } = await this.#current();
    const protection = await this.#key.wrap(storeId, protectedBy, scrypt);
    await this.#change((manifest) => this.#commit(manifest, { protection }));
  }

  /** Wipes what the store holds of its keys. The files stay. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#lastChange;
    for (const { loading } of this.#held.values()) {
      this.#retire(await loading.catch(() => undefined));
    }
    this.#held.clear();
    for (const material of this.#retired.splice(0)) wipe(material);
    this.#key.destroy();
  }

  /** The state of the store as it is now; at once, unless another process has changed it. */
  #current(): Awaitable<Manifest> {
    if (this.#closed) throw new ProviderClosedError('this key store was closed');
    return this.#folder.isNewest(this.#manifest.generation) ? this.#manifest : this.#catchUp();
  }

  async #catchUp(): Promise<Manifest> {
    while (!this.#folder.isNewest(this.#manifest.generation)) {
      this.#reloading ??= this.#reload().finally(() => {
        this.#reloading = undefined;
      });
      await this.#reloading;
    }
    return this.#manifest;
  }

  async #reload(): Promise<void> {
    const known = this.#manifest.generation;
    const newest = await this.#folder.readNewest();
    if (newest === undefined || newest.generation < known) {
      throw new DamagedStoreError(
        this.#folder.path,
        `was set back: its newest manifest is of generation ${newest?.generation ?? 'none'}, and this process has seen ${known}`,
      );
    }
    const { path, bytes, generation } = newest;
    const manifest = openManifest(this.#key.files, parseManifest(path, bytes, generation));
    if (generation > this.#manifest.generation) this.#adopt(manifest);
  }

  #adopt(manifest: Manifest): void {
    this.#manifest = manifest;
    for (const [id, held] of this.#held) {
      if (manifest.keys.has(id)) continue;
      this.#held.delete(id);
      this.#retire(held.record);
    }
  }

  #retire(record: KeyRecord | undefined, next?: KeyRecord): void {
    for (const version of record?.materials ?? []) {
      if (!next?.materials.includes(version)) this.#retired.push(version.material);
    }
  }

  /** Reads a record. Materials that an older record of the key has are kept: they may be in use, loaded. */
  async #read(id: string, entry: RecordEntry): Promise<KeyRecord | undefined> {
    const older = this.#held.get(id);
    let held = older;
    if (held?.file !== entry.file) {
      held = { file: entry.file, loading: this.#decode(id, entry, older) };
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
      // The file of an older record is removed when a newer one takes its place.
      const { keys } = await this.#current();
      if (keys.get(id)?.file !== entry.file) return this.readKey(id);
      throw error;
    }
  }

  async #decode(id: string, entry: RecordEntry, older: Held | undefined): Promise<KeyRecord> {
    const path = this.#folder.recordPath(entry.file);
    const bytes = await this.#folder.readRecord(id, entry.file);
    if (bytes === undefined) throw new DamagedStoreError(path, 'is missing', { keyId: id });
    const { storeId } = this.#manifest;
    const record = decodeRecord(this.#key.files, path, bytes, storeId, id, entry);
    const before = await older?.loading.catch(() => undefined);
    const next = keepMaterials(record, before);
    this.#retire(before, next);
    return next;
  }

  /**
   * Makes a change, again from the beginning while other processes are faster. One at a time within
   * this process.
   *
   * @param attempt Gives `false` to be called again, with the state as it is then.
   */
  async #change(attempt: (manifest: Manifest) => Promise<boolean>): Promise<void> {
    const change = this.#lastChange.then(async () => {
      for (let count = 0; count < ATTEMPTS; count++) {
        if (await attempt(await this.#current())) return;
      }
      throw new ProviderUnavailableError(
        `other processes changed the key store ${this.#folder.path} ${ATTEMPTS} times in a row; try again`,
      );
    });
    this.#lastChange = change.catch(() => {});
    return change;
  }

  async #put(manifest: Manifest, id: string, record: KeyRecord): Promise<boolean> {
    const generation = manifest.generation + 1;
    const place = { storeId: manifest.storeId, generation };
    const bytes = encodeRecord(this.#key.files, place, record);
    const file = await this.#folder.addRecord(generation, bytes);
    const keys = new Map(manifest.keys).set(id, { file, generation, digest: digestOf(bytes) });
    const done = await this.#commit(manifest, { keys }).catch(async (error) => {
      // Unless the change was made all the same, and only not known to be durable.
      if (this.#folder.isNewest(manifest.generation)) await this.#folder.dropRecord(file);
      throw error;
    });
    if (!done) {
      await this.#folder.dropRecord(file);
      return false;
    }
    this.#retire(this.#held.get(id)?.record, record);
    this.#held.set(id, { file, loading: Promise.resolve(record), record });
    const replaced = manifest.keys.get(id);
    if (replaced !== undefined) await this.#folder.dropRecord(replaced.file);
    return true;
  }

  async #remove(manifest: Manifest, id: string): Promise<boolean> {
    const keys = new Map(manifest.keys);
    keys.delete(id);
    const aliases = new Map([...manifest.aliases].filter(([, target]) => target !== id));
    if (keys.size === manifest.keys.size && aliases.size === manifest.aliases.size) return true;
    const done = await this.#commit(manifest, { keys, aliases });
    const removed = manifest.keys.get(id);
    if (done && removed !== undefined) await this.#folder.dropRecord(removed.file);
    return done;
  }

  /** Takes the store from `manifest` to the next generation. @returns Whether nobody was faster. */
  async #commit(manifest: Manifest, change: Change): Promise<boolean> {
    const next: Manifest = { ...manifest, ...change, generation: manifest.generation + 1 };
    const bytes = encodeManifest(this.#key.files, next);
    if (!(await this.#folder.commit(next.generation, bytes))) return false;
    if (next.generation > this.#manifest.generation) this.#adopt(next);
    const used = new Set([...next.keys.values()].map(({ file }) => file));
    await this.#folder.sweep(next.generation, (file) => used.has(file));
    return true;
  }
}
