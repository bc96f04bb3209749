import { InvalidInputError, wipe } from '@keywrap/core';
import { malformed } from '../engines/forge/der.js';
import type { Hash, Platform } from './platform.js';

/** What one file may ask for, so that none keeps this process busy for minutes; of scrypt, N·r·p. */
const MAXIMUM = { PBKDF2: 10_000_000, 'PKCS#12': 2_000_000, scrypt: 2 ** 22 } as const;

/** The key derivation that a file may still ask for, all of its parts together. */
export class DerivationBudget {
  readonly #left: Record<keyof typeof MAXIMUM, number> = { ...MAXIMUM };

  /** Takes iterations. @throws InvalidInputError for `keyMaterial` if that is none, or more than is left */
  take(derivation: keyof typeof MAXIMUM, iterations: number): number {
    if (iterations < 1) throw malformed();
    if (iterations > this.#left[derivation]) {
      throw new InvalidInputError(
        'keyMaterial',
        `asks for more than ${MAXIMUM[derivation]} iterations of ${derivation} key derivation`,
      );
    }
    this.#left[derivation] -= iterations;
    return iterations;
  }
}

/** Hashes again and again; the event loop gets a turn after each 10,000, some 10 ms. */
export async function hashRepeatedly(
  { hash }: Platform,
  name: Hash,
  data: Uint8Array,
  times: number,
): Promise<Uint8Array> {
  let digest = data;
  for (let left = times; left > 0; left -= 10_000) {
    if (left < times) await new Promise((resolve) => setTimeout(resolve));
    digest = hash(name, digest, Math.min(left, 10_000));
  }
  return digest;
}

/** What derived bytes are for (RFC 7292 appendix B.3). */
export const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

/**
 * Derives `length` bytes as PKCS#12 does (RFC 7292 appendix B.2). forge does too, but blocks the event loop.
 *
 * @param password `null` for an absent one, which differs from an empty one (appendix B.1).
 */
export async function derivePkcs12(
  platform: Platform,
  hash: Hash,
  password: string | null,
  salt: Uint8Array,
  iterations: number,
  purpose: (typeof PURPOSE)[keyof typeof PURPOSE],
  length: number,
): Promise<Uint8Array> {
  const v = /384|512/.test(hash) ? 128 : 64; // the block length of the hash (FIPS 180-4 §1)
  const pad = (bytes: Uint8Array) => repeat(bytes, v * Math.ceil(bytes.length / v));
  const bmpString = bmpStringOf(password);
  const input = Uint8Array.of(...Array(v).fill(purpose), ...pad(salt), ...pad(bmpString)); // D ‖ S ‖ P
  const derived = new Uint8Array(length);
  for (let offset = 0; offset < length; ) {
    const a = await hashRepeatedly(platform, hash, input, iterations); // step 6a
    derived.set(a.subarray(0, length - offset), offset);
    offset += a.length;
    const b = repeat(a, v); // steps 6b and 6c
    for (let at = v; at < input.length; at += v) addBlock(input.subarray(at, at + v), b);
    wipe(a);
  }
  wipe(bmpString);
  wipe(input);
  return derived;
}

/** I_j = (I_j + B + 1) mod 2^v, v in bits. */
function addBlock(block: Uint8Array, b: Uint8Array): void {
  let carry = 1;
  for (let i = block.length - 1; i >= 0; i--) {
    carry += (block[i] as number) + (b[i] as number);
    block[i] = carry & 0xff;
    carry >>= 8;
  }
}

const repeat = (bytes: Uint8Array, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length] as number);

/** A password as a BMPString with a final NULL (appendix B.1); an absent one has no bytes. */
function bmpStringOf(password: string | null): Uint8Array {
  const units =
    password === null ? [] : Array.from(`${password}\0`.split(''), (c) => c.charCodeAt(0));
  return Uint8Array.from(units.flatMap((unit) => [unit >> 8, unit & 0xff]));
}
