import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { wipe } from '@keywrap/core';
import { KmsError, serializationError, throttling } from '../protocol/kms-error.js';
import type { ByteBudget } from './byte-budget.js';

/** Longest body in bytes, before and after decompression: several times the largest request of KMS. */
export const MAXIMUM_BODY = 1024 * 1024;

/** Bytes of a longer body that are read and dropped, so that the client finishes sending and reads the response. */
const MAXIMUM_DRAINED = 16 * MAXIMUM_BODY;

/** A chunk of fewer bytes is tiny: reading it takes as long as reading a long one. */
const TINY = 256;

/** Tiny chunks of a body that are read. SDKs send none but the last. */
export const MAXIMUM_TINY = 1024;

/** Bytes of each body that no budget limits; the number of connections does. Most requests are shorter. */
const FREE = 16 * 1024;

const TOO_LARGE = ['RequestEntityTooLargeException', 'The request is too large.', 413] as const;

const TOO_MANY_CHUNKS = [
  'RequestEntityTooLargeException',
  'The request is in too many small chunks. Send it whole, with its Content-Length.',
  413,
] as const;

/** How a body is read. */
export interface BodyOptions {
  /** The bytes that all requests together may have in memory. */
  readonly budget: ByteBudget;
  /** The header `Content-Encoding`. */
  readonly encoding: string | undefined;
  /** If there is one, the body is dropped. */
  readonly refusal: KmsError | undefined;
}

/** A body in memory. */
export interface Body {
  /** The bytes, or why they were not kept. */
  readonly content: Buffer | KmsError;
  /** Wipes the bytes, and returns them to the budget. */
  release(): void;
}

/** Reads the body of a request. Rejects when the client goes away. */
export function readBody(request: IncomingMessage, options: BodyOptions): Promise<Body> {
  return new Promise((resolve, reject) => {
    const body = new GrowingBody(options);
    request.on('data', (chunk: Buffer) => {
      body.add(chunk);
      if (!body.isEndless) return;
      request.pause();
      resolve(body);
    });
    request.on('end', () => resolve(body));
    // Also when the client goes away before the end.
    request.on('error', (error) => {
      body.release();
      reject(error);
    });
  });
}

/** One block of memory for all chunks: a chunk of one byte would take a hundred as an object of its own. */
class GrowingBody implements Body {
  /** The bytes that arrived. */
  #length = 0;
  #tiny = 0;
  readonly #budget: ByteBudget;
  /** The bytes that it may have after decompression, which are taken with its first. */
  readonly #decompressed: number;
  #bytes: Buffer = Buffer.alloc(0);
  #taken = 0;
  #refusal: KmsError | undefined;

  constructor({ budget, encoding, refusal }: BodyOptions) {
    this.#budget = budget;
    this.#decompressed = isGzip(encoding) ? MAXIMUM_BODY : 0;
    this.#refusal = refusal;
  }

  get content(): Buffer | KmsError {
    return this.#refusal ?? this.#bytes.subarray(0, this.#length);
  }

  /** Whether the rest is not worth reading. */
  get isEndless(): boolean {
    return this.#tiny > MAXIMUM_TINY || this.#length > MAXIMUM_DRAINED;
  }

  add(chunk: Buffer): void {
    if (chunk.length < TINY) this.#tiny += 1;
    const length = this.#length + chunk.length;
    if (this.#refusal === undefined) this.#keep(chunk, length);
    this.#length = length;
  }

  release(): void {
    wipe(this.#bytes);
    this.#bytes = Buffer.alloc(0);
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }

  #keep(chunk: Buffer, length: number): void {
    if (this.#tiny > MAXIMUM_TINY) {
      this.#refuse(new KmsError(...TOO_MANY_CHUNKS));
    } else if (length > MAXIMUM_BODY) {
      this.#refuse(new KmsError(...TOO_LARGE));
    } else if (this.#reserve(chunk.length, length)) {
      // The only chunk of most bodies is not copied.
      if (this.#length === 0) this.#bytes = chunk;
      else chunk.copy(this.#bytes, this.#length);
    } else {
      this.#refuse(throttling('The server has too many large requests in work.'));
    }
  }

  /** Makes room; false if the budget is used up. */
  #reserve(added: number, length: number): boolean {
    if (length <= this.#bytes.length) return true;
    const size = this.#length === 0 ? added : Math.min(2 * length, MAXIMUM_BODY);
    const needed = this.#decompressed + Math.max(0, size - FREE);
    if (!this.#budget.take(needed - this.#taken)) return false;
    this.#taken = needed;
    if (this.#length === 0) return true;
    const grown = Buffer.alloc(size);
    this.#bytes.copy(grown, 0, 0, this.#length);
    wipe(this.#bytes);
    this.#bytes = grown;
    return true;
  }

  #refuse(refusal: KmsError): void {
    this.release();
    this.#refusal = refusal;
  }
}

/**
 * Decompresses a body that says that it is compressed with gzip (RFC 9110 §8.4.1.3). Other encodings are names
 * that some clients send without changing the body.
 *
 * @param encoding The header `Content-Encoding`.
 * @throws KmsError if it is not gzip, or too long decompressed.
 */
export function decodeBody(body: Buffer, encoding: string | undefined): Buffer {
  if (!isGzip(encoding)) return body;
  try {
    return gunzipSync(body, { maxOutputLength: MAXIMUM_BODY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new KmsError(...TOO_LARGE);
    }
    throw serializationError('The body of the request is not in the encoding gzip.');
  }
}

function isGzip(encoding: string | undefined): boolean {
  return encoding !== undefined && /^\s*(x-)?gzip\s*$/i.test(encoding);
}
