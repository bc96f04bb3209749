import { ProviderClosedError, ProviderUnavailableError } from '@keywrap/core';
import type { Awaitable } from '../old/key-store.js';
import { DamagedStoreError } from './errors.js';
import { encodeManifest, type Manifest, openManifest, parseManifest } from './manifest-file.js';
import type { ScryptCost } from './passphrase.js';
import type { StoreFolder } from './store-folder.js';
import { StoreKey, type StoreProtection } from './store-key.js';

/** What a change makes of a manifest. */
export type ManifestChange = Partial<Pick<Manifest, 'keys' | 'aliases' | 'protection'>>;

/** How often a change is tried again because other processes were faster. */
const ATTEMPTS = 1000;

/** An open store: its key, and its manifest, which other processes may replace at any time. */
export class StoreState {
  readonly folder: StoreFolder;
  readonly key: StoreKey;
  #manifest: Manifest;
  #reloading: Promise<void> | undefined;
  #lastChange: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(folder: StoreFolder, key: StoreKey, manifest: Manifest) {
    this.folder = folder;
    this.key = key;
    this.#manifest = manifest;
  }

  /** Opens the store in a folder. @returns `undefined` where there is no manifest. */
  static async open(
    folder: StoreFolder,
    protectedBy: StoreProtection,
  ): Promise<StoreState | undefined> {
    const newest = await folder.readNewest();
    if (newest === undefined) return undefined;
    await folder.assertPrivate();
    const { path, bytes, generation } = newest;
    const file = parseManifest(path, bytes, generation);
    const { storeId, protection } = file.header;
    const key = await StoreKey.unwrap(storeId, protectedBy, protection);
    try {
      return new StoreState(folder, key, openManifest(key.files, file));
    } catch (error) {
      key.destroy();
      throw error;
    }
  }

  /** Makes a store with a key of its own. @returns `undefined` when another process was faster. */
  static async create(
    folder: StoreFolder,
    protectedBy: StoreProtection,
    scrypt: ScryptCost | undefined,
  ): Promise<StoreState | undefined> {
    const storeId = crypto.randomUUID();
    const key = StoreKey.generate(storeId);
    try {
      const protection = await key.wrap(storeId, protectedBy, scrypt);
      const manifest: Manifest = {
        storeId,
        generation: 1,
        protection,
        keys: new Map(),
        aliases: new Map(),
      };
      await folder.prepare();
      if (await folder.commit(undefined, 1, encodeManifest(key.files, manifest))) {
        return new StoreState(folder, key, manifest);
      }
    } catch (error) {
      key.destroy();
      throw error;
    }
    key.destroy();
    return undefined;
  }

  /** The state of the store as it is now; at once, unless another process has changed it. */
  current(): Awaitable<Manifest> {
    if (this.#closed) throw new ProviderClosedError('this key store was closed');
    return this.isCurrent(this.#manifest) ? this.#manifest : this.#catchUp();
  }

  /** Whether this is the newest state that there is. */
  isCurrent(manifest: Manifest): boolean {
    return manifest === this.#manifest && this.folder.isNewest(manifest.generation);
  }

  /**
   * Makes a change, again from the beginning while other processes are faster. One at a time within
   * this process.
   *
   * @param attempt Gives `false` to be called again, with the state as it is then.
   */
  change(attempt: (manifest: Manifest) => Promise<boolean>): Promise<void> {
    const change = this.#lastChange.then(async () => {
      for (let count = 0; count < ATTEMPTS; count++) {
        if (await attempt(await this.current())) return;
      }
      throw new ProviderUnavailableError(
        `other processes changed the key store ${this.folder.path} ${ATTEMPTS} times in a row; try again`,
      );
    });
    this.#lastChange = change.catch(() => {});
    return change;
  }

  /** Takes the store from `manifest` to the next generation. @returns Whether nobody was faster. */
  async commit(manifest: Manifest, change: ManifestChange): Promise<boolean> {
    const next: Manifest = { ...manifest, ...change, generation: manifest.generation + 1 };
    const bytes = encodeManifest(this.key.files, next);
    if (!(await this.folder.commit(manifest.generation, next.generation, bytes))) return false;
    this.#adopt(next);
    const used = new Set([...next.keys.values()].map(({ file }) => file));
    await this.folder.sweep(next.generation, (file) => used.has(file));
    return true;
  }

  /** Waits for the change under way, and wipes the key. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#lastChange;
    this.key.destroy();
  }

  async #catchUp(): Promise<Manifest> {
    while (!this.folder.isNewest(this.#manifest.generation)) {
      this.#reloading ??= this.#reload().finally(() => {
        this.#reloading = undefined;
      });
      await this.#reloading;
    }
    return this.#manifest;
  }

  async #reload(): Promise<void> {
    const known = this.#manifest.generation;
    const newest = await this.folder.readNewest();
    if (newest === undefined || newest.generation < known) {
      throw new DamagedStoreError(
        this.folder.path,
        `was set back: its newest manifest is of generation ${newest?.generation ?? 'none'}, and this process has seen ${known}`,
      );
    }
    const { path, bytes, generation } = newest;
    this.#adopt(openManifest(this.key.files, parseManifest(path, bytes, generation)));
  }

  #adopt(manifest: Manifest): void {
    if (manifest.generation > this.#manifest.generation) this.#manifest = manifest;
  }
}
