import fs from 'node:fs/promises';
import path from 'node:path';
import { explainFileError, ifMissing } from './errors.js';
import { digits, random } from './file-names.js';
import { readPrivateFile, removeFile, writeNewFile } from './private-files.js';

const RECORD = /^(\d{12})-[0-9a-f]{16}$/;

/** Whether this names a file in the folder of the records, and none elsewhere. */
export function isRecordName(file: unknown): file is string {
  return typeof file === 'string' && RECORD.test(file);
}

/** The folder of the records: one file per key, and what changes under way add and leave. */
export class RecordFolder {
  /** Absolute. */
  readonly path: string;

  constructor(folder: string) {
    this.path = folder;
  }

  pathOf(file: string): string {
    return path.join(this.path, file);
  }

  /** Reads a record, or gives `undefined` where there is none of this name. */
  async read(keyId: string, file: string): Promise<Uint8Array | undefined> {
    const path = this.pathOf(file);
    try {
      return await readPrivateFile({ path, keyId }).catch(ifMissing);
    } catch (error) {
      throw explainFileError(error, `read the record of key ${keyId}, ${path}`);
    }
  }

  /** Writes a record for a generation to come, durable once that is committed. @returns The name of its file. */
  async add(generation: number, bytes: Uint8Array): Promise<string> {
    const file = `${digits(generation)}-${random()}`;
    await this.#write(file, bytes);
    return file;
  }

  /** Writes a record of a backup, under the name that it had. */
  async restore(file: string, bytes: Uint8Array): Promise<void> {
    // What a restore before this one left, that was killed.
    await this.drop(file);
    await this.#write(file, bytes);
  }

  /** Removes a record that is of no use any more. That it can't be removed does no harm. */
  async drop(file: string): Promise<void> {
    await removeFile(this.pathOf(file)).catch(() => {});
  }

  /** Removes all records of this generation and those before that are not in use. */
  async sweep(generation: number, inUse: (file: string) => boolean): Promise<void> {
    for (const file of await this.list()) {
      const isOld = Number(RECORD.exec(file)?.[1]) <= generation;
      if (isOld && !inUse(file)) await removeFile(this.pathOf(file));
    }
  }

  /** All names in the folder, foreign ones too. */
  list(): Promise<string[]> {
    return fs.readdir(this.path);
  }

  async #write(file: string, bytes: Uint8Array): Promise<void> {
    try {
      await writeNewFile(this.pathOf(file), bytes);
    } catch (error) {
      throw explainFileError(error, `write a record to the key store in ${this.path}`);
    }
  }
}
