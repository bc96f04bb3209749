import { statSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { InvalidInputError, UnsupportedOperationError } from '@keywrap/core';
import { DamagedStoreError, errorCode, explainFileError, ifMissing } from './errors.js';
import { digits, random } from './file-names.js';
import {
  assertPrivate,
  makePrivateFolder,
  readPrivateFile,
  removeFile,
  syncFolder,
  writeNewFile,
} from './private-files.js';
import { RecordFolder } from './record-folder.js';

// The files of a store, and how its state goes from one generation to the next.
//
//   manifest-000000000042              the state of the store, of generation 42
//   manifest-000000000043-<random>.new somebody's attempt at generation 43
//   records/000000000042-<random>      a record, written for generation 42
//
// A change is a compare-and-swap: an attempt is written aside and gets its name with link(2), which fails
// if another process was faster. There is no lock, so that none can be left behind by a process that
// was killed, be held up by one that was stopped, or be broken by two at once.
//
// That generation N+1 is never made twice, by a process that has slept since N:
//   1. whoever removes a manifest removes all attempts at it first, and all older manifests too;
//   2. an attempt is linked only if N was the newest generation after the attempt was written.
// So if N+1 was made after that look, the attempt is gone before the name N+1 is free again.

const MANIFEST = /^manifest-(\d{12})$/;
const ATTEMPT = /^manifest-(\d{12})-[0-9a-f]{16}\.new$/;
const RECORDS = 'records';
const AUDIT = 'audit';

/** A manifest as it was read. */
export interface ManifestBytes {
  readonly generation: number;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The folder of a store. */
export class StoreFolder {
  /** Absolute. */
  readonly path: string;
  readonly records: RecordFolder;
  #swept = false;

  constructor(folder: string) {
    this.path = path.resolve(folder);
    this.records = new RecordFolder(path.join(this.path, RECORDS));
  }

  /**
   * Makes the folder where there is none, with all that a new store needs but its first manifest.
   *
   * @throws {@link InvalidInputError} when there is something else in it already.
   */
  async prepare(): Promise<void> {
    const records = this.records.path;
    try {
      const names = await fs.readdir(this.path).catch(ifMissing);
      // What other processes leave or do that make the same store is no obstacle: one of them wins.
      const own = (name: string) => name === RECORDS || ATTEMPT.test(name) || MANIFEST.test(name);
      const foreign = names?.find((name) => !own(name));
      if (foreign !== undefined) {
        throw notAStore(this.path, `it holds ${JSON.stringify(foreign)}, which no store has`);
      }
      if (names !== undefined) assertPrivate(this.path, await fs.stat(this.path));
      const made = await makePrivateFolder(records);
      // Every folder that has a new name in it, up to the one that was there before.
      for (let folder = path.dirname(records); made !== undefined; folder = path.dirname(folder)) {
        await syncFolder(folder);
        if (folder === path.dirname(made)) break;
      }
    } catch (error) {
      throw explainFileError(error, `make the key store ${this.path}`);
    }
  }

  /** @throws `AccessDeniedError` when others may get at it, {@link DamagedStoreError} when a part is missing. */
  async assertPrivate(): Promise<void> {
    for (const folder of [this.path, this.records.path]) {
      try {
        const stats = await fs.stat(folder).catch(ifMissing);
        if (!stats?.isDirectory()) throw new DamagedStoreError(folder, 'is missing');
        assertPrivate(folder, stats);
      } catch (error) {
        throw explainFileError(error, `open the key store ${this.path}`);
      }
    }
  }

  /** Whether no other process has changed the store since. Quick: two looks at names, nothing is read. */
  isNewest(generation: number): boolean {
    try {
      // In this order: were N+1 already gone again, N would have gone before it.
      return !this.#exists(generation + 1) && this.#exists(generation);
    } catch (error) {
      throw explainFileError(error, `look at the key store ${this.path}`);
    }
  }

  /**
   * Reads the newest manifest, or gives `undefined` where there is none.
   *
   * @throws {@link InvalidInputError} when this is a file and not a folder.
   */
  async readNewest(): Promise<ManifestBytes | undefined> {
    try {
      for (;;) {
        const generation = (await this.#generations()).at(-1);
        if (generation === undefined) return undefined;
        const file = this.#manifestPath(generation);
        const bytes = await readPrivateFile({ path: file }).catch(ifMissing);
        // Gone while we looked: there is a newer one.
        if (bytes !== undefined) return { generation, path: file, bytes };
      }
    } catch (error) {
      if (errorCode(error) === 'ENOTDIR') throw notAStore(this.path, 'that is not a folder');
      throw explainFileError(error, `read the key store ${this.path}`);
    }
  }

  /** Where the audit logs are. */
  get auditPath(): string {
    return path.join(this.path, AUDIT);
  }

  /**
   * Makes `manifest` the state of the store, durably, unless the store has changed meanwhile.
   *
   * @param from The generation that it was made from; `undefined` when there was no store.
   * @param generation The one that it makes.
   * @returns Whether it did.
   */
  async commit(
    from: number | undefined,
    generation: number,
    manifest: Uint8Array,
  ): Promise<boolean> {
    const attempt = `${this.#manifestPath(generation)}-${random()}.new`;
    try {
      // The names of the records, of a restored store all of them, before the name that leads to them.
      await syncFolder(this.records.path);
      await writeNewFile(attempt, manifest);
      try {
        const isUnchanged =
          from === undefined ? (await this.#generations()).length === 0 : this.isNewest(from);
        if (!isUnchanged) return false;
        await fs.link(attempt, this.#manifestPath(generation));
      } catch (error) {
        const code = errorCode(error) ?? '';
        if (['EEXIST', 'ENOENT'].includes(code)) return false;
        // link(2): EPERM is what Linux says of a file system without hard links.
        if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) throw error;
        throw new UnsupportedOperationError(
          `the file system of ${this.path} has no hard links (${code}), which a key store needs; put it on another`,
          { cause: error },
        );
      } finally {
        await removeFile(attempt).catch(() => {});
      }
      await syncFolder(this.path);
      return true;
    } catch (error) {
      this.#swept = false;
      throw explainFileError(error, `change the key store ${this.path}`);
    }
  }

  /**
   * Removes what generations before this one have left. Failing does no harm; the next change does it.
   *
   * @param inUse Whether a record is one of this generation.
   */
  async sweep(generation: number, inUse: (file: string) => boolean): Promise<void> {
    try {
      for (const name of await fs.readdir(this.path)) {
        const attempted = ATTEMPT.exec(name)?.[1];
        if (attempted !== undefined && Number(attempted) <= generation) {
          await removeFile(path.join(this.path, name));
        }
      }
      for (const older of await this.#generations()) {
        if (older < generation) await removeFile(this.#manifestPath(older));
      }
      // Once, and after a failure: each change removes what it replaces.
      if (this.#swept) return;
      this.#swept = true;
      await this.records.sweep(generation, inUse);
    } catch {
      // See above.
    }
  }

  /**
   * The paths of what does not belong to this generation, from the folder: foreign, or left over.
   *
   * @param inUse Whether a record is one of this generation.
   */
  async listStrays(generation: number, inUse: (file: string) => boolean): Promise<string[]> {
    try {
      const newest = path.basename(this.#manifestPath(generation));
      const known = new Set([newest, RECORDS, AUDIT]);
      const names = (await fs.readdir(this.path)).filter((name) => !known.has(name));
      const records = (await this.records.list()).filter((file) => !inUse(file));
      return [...names, ...records.map((file) => path.join(RECORDS, file))].sort();
    } catch (error) {
      throw explainFileError(error, `read the key store ${this.path}`);
    }
  }

  /** The generations whose manifest is there, ascending. */
  async #generations(): Promise<number[]> {
    const names = (await fs.readdir(this.path).catch(ifMissing)) ?? [];
    return names
      .flatMap((name) => MANIFEST.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  #exists(generation: number): boolean {
    return statSync(this.#manifestPath(generation), { throwIfNoEntry: false }) !== undefined;
  }

  #manifestPath(generation: number): string {
    return path.join(this.path, `manifest-${digits(generation)}`);
  }
}

/** The error for a folder that is something else. */
export function notAStore(folder: string, why: string): InvalidInputError {
  return new InvalidInputError('folder', `${folder} is not a key store: ${why}; check the path`);
}
