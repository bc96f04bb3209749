/** A secret to look for, masked so that the searched process does not hold it for that reason. */
export interface Needle {
  readonly label: string;
  /** Random bytes, in base64. */
  readonly mask: string;
  /** The secret XOR the mask, in base64. */
  readonly masked: string;
}

/** Long enough to rule out chance, and short enough to find a partly overwritten secret. */
const LENGTH = 16;

/** Notes secrets without keeping a copy: byte by byte, each masked before it is stored. */
export class Needles {
  readonly #needles: Needle[] = [];

  /** @param at Where in the secret to take the bytes from; not where every key of its kind has the same. */
  add(label: string, secret: Uint8Array, at = 0): void {
    const mask = crypto.getRandomValues(new Uint8Array(LENGTH));
    const masked = new Uint8Array(LENGTH);
    for (let i = 0; i < LENGTH; i++) {
      masked[i] = (secret[at + i] as number) ^ (mask[i] as number);
    }
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    this.#needles.push({ label, mask: base64(mask), masked: base64(masked) });
  }

  toJSON(): readonly Needle[] {
    return this.#needles;
  }
}

/** The secret again; for the process that searches. */
export function unmask({ mask, masked }: Needle): Buffer {
  const [a, b] = [Buffer.from(mask, 'base64'), Buffer.from(masked, 'base64')];
  return a.map((byte, i) => byte ^ (b[i] as number)) as Buffer;
}

/**
 * The forms of a secret in memory. `bytes` is also how V8 keeps a binary string; `reversed` is how
 * OpenSSL keeps large numbers.
 */
export function formsOf(secret: Buffer) {
  const base64 = Buffer.from(secret.toString('base64').replace(/[^=]?=+$/, ''));
  return {
    bytes: secret,
    reversed: Buffer.from(secret).reverse(),
    hex: Buffer.from(secret.toString('hex')),
    base64,
    'UTF-16': Buffer.from(secret.toString('latin1'), 'utf16le'),
  };
}
