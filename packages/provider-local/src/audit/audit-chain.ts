import { createHmac, timingSafeEqual } from 'node:crypto';
import { wipe } from '@keywrap/core';

// The chain of an audit log. Every line ends with a MAC over the previous MAC and itself, so that no line can be
// changed, removed, added or moved without the key; docs/audit-log.md says what remains possible.

/** Matches a line, without its line break. */
const LINE = /^(\{.*),"mac":"([\w-]{43})"\}$/s;
/** In bytes: of HMAC-SHA-256. */
const MAC_LENGTH = 32;

/** A line of an audit log, without its MAC. */
export interface ChainedLine {
  /** Its index in the log, from 0. */
  readonly seq: number;
  /** The time of writing: ISO 8601, by the clock of the machine. */
  readonly time: string;
}

/** The MACs of one log, in sequence. HMAC-SHA-256 (RFC 2104), 32 bytes. */
export class AuditChain {
  readonly #key: Uint8Array;
  #last: Uint8Array = new Uint8Array(MAC_LENGTH);

  /**
   * @param key 32 bytes. The key of this log is derived from it, so that no line of another log passes.
   * @param storeId The id of the store whose keys are used, if there is one.
   * @param name The name of the log.
   */
  constructor(key: Uint8Array, storeId: string | undefined, name: string) {
    this.#key = macOf(key, `keywrap audit log ${storeId ?? ''} ${name}`);
  }

  /** Encodes a line, including its line break. {@link accept} it once it is written. */
  next(line: ChainedLine): { readonly text: string; readonly mac: Uint8Array } {
    const body = JSON.stringify(line).slice(0, -1);
    const mac = macOf(this.#key, this.#last, body);
    return { text: `${body},"mac":"${encode(mac)}"}\n`, mac };
  }

  /** Continues from this MAC. */
  accept(mac: Uint8Array): void {
    this.#last = mac;
  }

  /** Parses the next line, without its line break. @returns `undefined` if it was changed. */
  read(text: string): ChainedLine | undefined {
    const [, body, encoded] = LINE.exec(text) ?? [];
    if (body === undefined || encoded === undefined) return undefined;
    const mac = macOf(this.#key, this.#last, body);
    // Compared as text: the last character of the encoding has unused bits.
    if (!timingSafeEqual(Buffer.from(encoded), Buffer.from(encode(mac)))) return undefined;
    this.#last = mac;
    return JSON.parse(`${body}}`) as ChainedLine;
  }

  /**
   * Tells whether a line of this log follows another, without reading those before it.
   *
   * @param previous The line before it; undefined if it is the first.
   */
  follows(text: string, previous: string | undefined): boolean {
    const encoded =
      previous === undefined ? encode(new Uint8Array(MAC_LENGTH)) : encodedMac(previous);
    if (encoded === undefined) return false;
    this.#last = new Uint8Array(Buffer.from(encoded, 'base64url'));
    return this.read(text) !== undefined;
  }

  /** Wipes the key of this log. */
  destroy(): void {
    wipe(this.#key);
  }
}

/** Returns the encoded MAC at the end of a line, or `undefined` if there is none. */
export function encodedMac(text: string): string | undefined {
  return LINE.exec(text)?.[2];
}

/** Encodes a MAC as it is in a line: base64url, 43 characters. */
export function encode(mac: Uint8Array): string {
  return Buffer.from(mac).toString('base64url');
}

function macOf(key: Uint8Array, ...parts: (string | Uint8Array)[]): Uint8Array {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}
