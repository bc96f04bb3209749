import { InvalidInputError, ownFields, readFields } from '@keywrap/core';
import { AuditLog } from '../audit/audit-log.js';
import { type AuditLogReport, verifyAuditLogs } from '../audit/audit-verify.js';
import type { KeyRecord } from '../old/key-record.js';
import type { Awaitable, KeyStore } from '../old/key-store.js';
import { type OnProgress, type RestoreOptions, restoreBackup, writeBackup } from './backup.js';
import { HeldRecords } from './held-records.js';
import type { Manifest } from './manifest-file.js';
import type { ScryptCost } from './passphrase.js';
import { digestOf, encodeRecord } from './record-file.js';
import { notAStore, StoreFolder } from './store-folder.js';
import type { StoreProtection } from './store-key.js';
import { StoreState } from './store-state.js';
import { type StoreReport, verifyStore } from './verify.js';

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
export class FileKeyStore implements KeyStore, AsyncDisposable {
  readonly #state: StoreState;
  readonly #records: HeldRecords;

  private constructor(state: StoreState) {
    this.#state = state;
    this.#records = new HeldRecords(state);
  }

  /**
   * Opens a store, or makes it. Takes as long as the passphrase is meant to take, half a second or so.
   *
   * @throws {@link InvalidInputError} when the folder holds no store, something else, or a store that is
   * protected in the other way; `AccessDeniedError` for a wrong passphrase or a folder that is not
   * private; `UnsupportedOperationError` for another version of the format; `DamagedStoreError`;
   * whatever the protecting provider throws. Nothing is written then.
   */
  static async open(options: FileKeyStoreOptions): Promise<FileKeyStore> {
    const names = ['folder', 'protectedBy', 'create', 'scrypt'] as const;
    const { folder: location, create, protectedBy } = readFields(options, 'options', names);
    if (typeof location !== 'string' || location === '') {
      throw new InvalidInputError('options.folder', 'must be the path of a folder');
    }
    if (typeof protectedBy !== 'object' || protectedBy === null) {
      throw new InvalidInputError(
        'options.protectedBy',
        'is { passphrase } or { provider, keyId }',
      );
    }
    const folder = new StoreFolder(location);
    const state =
      (await StoreState.open(folder, options.protectedBy)) ??
      (create === true
        ? await StoreState.create(folder, options.protectedBy, options.scrypt)
        : undefined);
    if (state !== undefined) return new FileKeyStore(state);
    if (create === true) return FileKeyStore.open(options);
    throw notAStore(folder.path, 'there is no manifest in it, and `create` is not set');
  }

  /**
   * Makes a store again from what {@link backup} gave. Whatever is wrong with the backup is found
   * before anything is written.
   *
   * @throws {@link InvalidInputError} when there is something in the folder, `DamagedStoreError` when
   * the backup was changed or cut short, and what {@link open} throws.
   *
   * @example
   * ```ts
   * import { readFile } from 'node:fs/promises';
   * import { FileKeyStore } from '@keywrap/provider-local/file-store';
   *
   * async function restore(folder: string, passphrase: string): Promise<FileKeyStore> {
   *   const backup = await readFile('/mnt/backup/keys.kwsb');
   *   return FileKeyStore.restore({ folder, backup, protectedBy: { passphrase } });
   * }
   * ```
   */
  static async restore(options: RestoreOptions): Promise<FileKeyStore> {
    return new FileKeyStore(await restoreBackup(ownFields(options)));
  }

  /** Whether there is a store in a folder; whether it opens is another question. */
  static async isAt(folder: string): Promise<boolean> {
    return (await new StoreFolder(folder).readNewest()) !== undefined;
  }

  readKey(id: string): Awaitable<KeyRecord | undefined> {
    return this.#records.read(id);
  }

  async listKeys(): Promise<readonly KeyRecord[]> {
    const manifest = await this.#state.current();
    const records: KeyRecord[] = [];
    // One after the other: all at once would take as many open files as there are keys.
    for (const id of manifest.keys.keys()) {
      const record = await this.#records.read(id);
      if (record !== undefined) records.push(record);
    }
    // Otherwise the list is of one state and the records of another; most of them are in memory now.
    return this.#state.isCurrent(manifest) ? records : this.listKeys();
  }

  async changeKey(
    id: string,
    change: (current: KeyRecord | undefined) => KeyRecord | undefined,
  ): Promise<void> {
    await this.#state.change(async (manifest) => {
      const current = await this.#records.read(id);
      // The store has moved on while the record was read: begin again.
      if (!this.#state.isCurrent(manifest)) return false;
      const next = change(current);
      if (next === undefined) return this.#remove(manifest, id);
      return next === current || this.#put(manifest, id, next);
    });
  }

  async readAlias(alias: string): Promise<string | undefined> {
    return (await this.#state.current()).aliases.get(alias);
  }

  async listAliases(): Promise<readonly (readonly [alias: string, id: string])[]> {
    const { aliases } = await this.#state.current();
    return [...aliases].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async changeAlias(
    alias: string,
    change: (current: string | undefined) => string | undefined,
  ): Promise<void> {
    await this.#state.change(async (manifest) => {
      const current = manifest.aliases.get(alias);
      const next = change(current);
      if (next === current) return true;
      const aliases = new Map(manifest.aliases);
      if (next === undefined) aliases.delete(alias);
      else aliases.set(alias, next);
      return this.#state.commit(manifest, { aliases });
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
    const { storeId } = await this.#state.current();
    const protection = await this.#state.key.wrap(storeId, protectedBy, scrypt);
    await this.#state.change((manifest) => this.#state.commit(manifest, { protection }));
  }

  /**
   * The whole store in one encrypted file, as it is at one moment. It opens with what protects the store
   * now, also after that was changed.
   *
   * @returns The bytes of the file.
   * @throws `DamagedStoreError` when a record is damaged: such a store gives no backup.
   */
  backup(onProgress?: OnProgress): Promise<Uint8Array> {
    return writeBackup(this.#state, onProgress);
  }

  /** Reads every record again, and reports all that is not as the store wrote it. Nothing is changed. */
  verify(onProgress?: OnProgress): Promise<StoreReport> {
    return verifyStore(this.#state, onProgress);
  }

  /**
   * Begins an audit log in the folder of the store, for `withAuditLog`. Each process has a log of its own.
   *
   * @param actor Who acts, for lines of the log, where the user of the process does not say it: a
   * service, a person.
   */
  async openAuditLog(actor?: string): Promise<AuditLog> {
    const { storeId } = await this.#state.current();
    const { folder, key } = this.#state;
    return AuditLog.open({ folder: folder.auditPath, key: key.audit, storeId, actor });
  }

  /** Checks every line of every audit log. */
  async verifyAuditLogs(): Promise<readonly AuditLogReport[]> {
    const { storeId } = await this.#state.current();
    const { folder, key } = this.#state;
    return verifyAuditLogs({ folder: folder.auditPath, key: key.audit, storeId });
  }

  /** Wipes what the store holds of its keys. The files stay. */
  async close(): Promise<void> {
    await this.#state.close();
    await this.#records.wipe();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #put(manifest: Manifest, id: string, record: KeyRecord): Promise<boolean> {
    const { folder, key } = this.#state;
    const generation = manifest.generation + 1;
    const bytes = encodeRecord(key.files, { storeId: manifest.storeId, generation }, record);
    const file = await folder.records.add(generation, bytes);
    const keys = new Map(manifest.keys).set(id, { file, generation, digest: digestOf(bytes) });
    const done = await this.#state.commit(manifest, { keys }).catch(async (error) => {
      // Unless the change was made all the same, and only not known to be durable.
      if (folder.isNewest(manifest.generation)) await folder.records.drop(file);
      throw error;
    });
    if (!done) {
      await folder.records.drop(file);
      return false;
    }
    this.#records.keep(id, file, record);
    const replaced = manifest.keys.get(id);
    if (replaced !== undefined) await folder.records.drop(replaced.file);
    return true;
  }

  async #remove(manifest: Manifest, id: string): Promise<boolean> {
    const keys = new Map(manifest.keys);
    keys.delete(id);
    const aliases = new Map([...manifest.aliases].filter(([, target]) => target !== id));
    if (keys.size === manifest.keys.size && aliases.size === manifest.aliases.size) return true;
    const done = await this.#state.commit(manifest, { keys, aliases });
    const removed = manifest.keys.get(id);
    if (done && removed !== undefined) await this.#state.folder.records.drop(removed.file);
    return done;
  }
}
