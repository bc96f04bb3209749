import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { KeyWrapProvider } from '@keywrap/core';
import { openTransform, sealTransform } from '@keywrap/envelope/node';

const KEY = 'alias/files';
/** Larger than by default, because files are: fewer frames, and 64 KiB at a time in memory. */
const FRAME_LENGTH = 65_536;

/** Files of customers, each encrypted as one message. Memory is bounded, whatever their length. */
export class CustomerFiles {
  readonly #folder: string;
  readonly #keys: KeyWrapProvider;

  constructor(folder: string, keys: KeyWrapProvider) {
    this.#folder = folder;
    this.#keys = keys;
  }

  /** Encrypts a file. It is there once it is complete. */
  async put(customer: string, name: string, content: Readable): Promise<void> {
    const options = {
      keyId: KEY,
      encryptionContext: contextOf(customer, name),
      frameLength: FRAME_LENGTH,
    };
    await this.#complete(this.#fileOf(customer, name), (unfinished) =>
      pipeline(content, sealTransform(this.#keys, options), createWriteStream(unfinished)),
    );
  }

  /** Decrypts a file into another, which is there only if all of it is authentic. */
  async export(customer: string, name: string, target: string): Promise<void> {
    await this.#complete(target, (unfinished) =>
      this.#open(customer, name, createWriteStream(unfinished)),
    );
  }

  /**
   * Decrypts a file into a stream. What arrives is authentic, but complete only once the promise resolves: the receiver discards what it has if
   * it rejects.
   */
  async send(customer: string, name: string, target: Writable): Promise<void> {
    await this.#open(customer, name, target);
  }

  #open(customer: string, name: string, target: Writable): Promise<void> {
    const encryptionContext = contextOf(customer, name);
    const stream = openTransform(this.#keys, { trustedKeys: [KEY], encryptionContext });
    return pipeline(createReadStream(this.#fileOf(customer, name)), stream, target);
  }

  /** Writes a file under another name first. */
  async #complete(file: string, write: (unfinished: string) => Promise<void>): Promise<void> {
    const unfinished = `${file}.unfinished`;
    try {
      await write(unfinished);
      await rename(unfinished, file);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  #fileOf(customer: string, name: string): string {
    return path.join(this.#folder, encodeURIComponent(`${customer}/${name}`));
  }
}

const contextOf = (customer: string, name: string) => ({ customer, file: name });
