import { createHmac, timingSafeEqual } from 'node:crypto';

// The chain of an audit log. Every line ends with a MAC over itself and the MAC before it, so that a
// line can't be changed, removed, added or moved without the key; docs/key-store.md says what remains.

/** The end of a line alone, of which no more may have been read. */
const MAC = /,"mac":"([\w-]{43})"\}$/;
const END = /^(\{.*),"mac":"([\w-]{43})"\}$/s;

/** A line of an audit log, without its MAC. */
export interface ChainedLine {
  /** Its place in the log, from 0. */
  readonly seq: number;
  /** When it was written: ISO 8601, by the clock of the machine. */
  readonly time: string;
}

/** The MACs of one log, one after the other. HMAC-SHA-256 (RFC 2104), 32 bytes. */
export class AuditChain {
  readonly #key: Uint8Array;
  #last: Uint8Array;

  /**
   * @param storeId The id of the store whose keys are used, if there is one.
   * @param name The name of the log. The first MAC is over both: no log passes for another.
   */
  constructor(key: Uint8Array, storeId: string | undefined, name: string) {
    this.#key = key;
    this.#last = this.#mac(`keywrap audit log ${storeId ?? ''} ${name}`);
  }

  /** Writes a line, with the line break at its end. {@link accept} it once it is written. */
  next(line: ChainedLine): { readonly text: string; readonly mac: Uint8Array } {
    const body = JSON.stringify(line).slice(0, -1);
    const mac = this.#mac(this.#last, body);
    return { text: `${body},"mac":"${Buffer.from(mac).toString('base64url')}"}\n`, mac };
  }

  /** Goes on from this MAC. */
  accept(mac: Uint8Array): void {
    this.#last = mac;
  }

  /** Reads the next line, without its line break. @returns `undefined` when it is not what was written. */
  read(text: string): ChainedLine | undefined {
    const [, body, encoded] = END.exec(text) ?? [];
    if (body === undefined || encoded === undefined) return undefined;
    const mac = this.#mac(this.#last, body);
    // As text: the last character of the encoding has bits that don't count.
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

/** The MAC at the end of a line, as it stands there, or `undefined` where there is none. */
export function macOf(text: string): string | undefined {
  return MAC.exec(text)?.[1];
}
