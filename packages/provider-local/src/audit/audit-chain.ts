import { createHmac, timingSafeEqual } from 'node:crypto';

// The chain of an audit log. Every line ends with a MAC over itself and the previous MAC, so that no line can
// be changed, removed, added or moved without the key; docs/key-store.md says what remains possible.

/** Matches the end of a line, of which the beginning may be missing. */
const MAC = /,"mac":"([\w-]{43})"\}$/;
const END = /^(\{.*),"mac":"([\w-]{43})"\}$/s;

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
  #last: Uint8Array;

  /**
   * @param storeId The id of the store whose keys are used, if there is one.
   * @param name The name of the log. The first MAC covers both ids, so no log passes for another.
   */
  constructor(key: Uint8Array, storeId: string | undefined, name: string) {
    this.#key = key;
    this.#last = this.#mac(`keywrap audit log ${storeId ?? ''} ${name}`);
  }

  /** Encodes a line, including its line break. {@link accept} it once it is written. */
  next(line: ChainedLine): { readonly text: string; readonly mac: Uint8Array } {
    const body = JSON.stringify(line).slice(0, -1);
    const mac = this.#mac(this.#last, body);
    return { text: `${body},"mac":"${Buffer.from(mac).toString('base64url')}"}\n`, mac };
  }

  /** Continues from this MAC. */
  accept(mac: Uint8Array): void {
    this.#last = mac;
  }

  /** Parses the next line, without its line break. @returns `undefined` if it was changed. */
  read(text: string): ChainedLine | undefined {
    const [, body, encoded] = END.exec(text) ?? [];
    if (body === undefined || encoded === undefined) return undefined;
    const mac = this.#mac(this.#last, body);
    // Compared as text: the last character of the encoding has unused bits.
    const expected = Buffer.from(Buffer.from(mac).toString('base64url'));
    if (!timingSafeEqual(Buffer.from(encoded), expected)) return undefined;
    this.#last = mac;
    return JSON.parse(`${body}}`) as ChainedLine;
  }

  #mac(...parts: (string | Uint8Array)[]): Uint8Array {
    const hmac = createHmac('sha256', this.#key);
    for (const part of parts) hmac.update(part);
    return new Uint8Array(hmac.digest());
  }
}

/** Returns the encoded MAC at the end of a line, or `undefined` if there is none. */
export function macOf(text: string): string | undefined {
  return MAC.exec(text)?.[1];
}
