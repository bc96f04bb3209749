import { InvalidInputError, platformTimers, wipe } from '@keywrap/core';
import * as asn1 from '../cipher/engines/forge/der.js';
import { joined } from '../cipher/joined.js';
import type { Hash, Platform } from './platform.js';

/** Most iterations that one file may ask for, so that none takes minutes; for scrypt, N·r·p. */
const MAXIMUM = { PBKDF2: 10_000_000, 'PKCS#12': 2_000_000, scrypt: 2 ** 22 } as const;

/** The iterations that a file may still ask for, over all of its parts. */
export class DerivationBudget {
  readonly #left: Record<keyof typeof MAXIMUM, number> = { ...MAXIMUM };

  /** Takes iterations. @throws InvalidInputError for `keyMaterial` for less than one, or more than are left. */
  take(derivation: keyof typeof MAXIMUM, iterations: number): number {
    if (iterations < 1) throw asn1.malformed();
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

/** The password of a file, and the limits of its key derivation. */
export interface Decryption {
  readonly platform: Platform;
  readonly budget: DerivationBudget;
  /** `null` is the absent password, which PKCS#12 distinguishes from the empty one. */
  readonly password: string | null;
}

/** Memory limit of scrypt, 128·N·r bytes: 256 MiB. OpenSSL writes and reads less. */
const MAXIMUM_SCRYPT_MEMORY = 2 ** 28;

/** RFC 8018 appendix A.2 and RFC 7914 §7 */
export const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';

/** HMAC with each hash (RFC 8018 appendix B.1). */
export const HMACS: Readonly<Record<string, Hash>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
  '1.2.840.113549.2.13': 'sha512-256',
};

/**
 * Derives a key with PBKDF2 (RFC 8018 appendix A.2) or scrypt (RFC 7914 §7.1).
 *
 * @param length In bytes. PBMAC1's parameters set it (RFC 9579 §4); others may repeat it.
 */
export async function deriveKey(
  { platform, budget, password }: Decryption,
  kdf: asn1.Asn1 | undefined,
  length?: number,
): Promise<Uint8Array> {
  const [oid, parameters] = asn1.itemsOf(kdf);
  const derivation = lookUp({ [PBKDF2]: 'PBKDF2', [SCRYPT]: 'scrypt' } as const, oid);
  const [saltValue, ...rest] = asn1.itemsOf(parameters);
  const salt = asn1.octetsOf(saltValue);
  const cost = rest.splice(0, derivation === 'scrypt' ? 3 : 1).map(asn1.countOf);
  const stated = asn1.isUniversal(rest[0], 'INTEGER') ? asn1.countOf(rest.shift()) : length;
  const keyLength = length ?? stated ?? 0;
  if (stated !== keyLength || keyLength < 1 || keyLength > 64) throw asn1.malformed();
  const prf = rest[0] === undefined ? 'sha1' : lookUp(HMACS, asn1.itemsOf(rest[0])[0]);

  const [N = 0, r = 1, p = 1] = cost;
  budget.take(derivation, N * r * p);
  const secret = utf8(password);
  try {
    if (derivation === 'PBKDF2') return await platform.pbkdf2(prf, secret, salt, N, keyLength);
    if (128 * N * r > MAXIMUM_SCRYPT_MEMORY) {
      throw new InvalidInputError('keyMaterial', 'asks for more than 256 MiB of memory for scrypt');
    }
    if (N < 2 || (N & (N - 1)) !== 0 || N >= 2 ** (16 * r)) throw asn1.malformed(); // RFC 7914 §6
    return await platform.scrypt(secret, salt, { N, r, p }, keyLength);
  } finally {
    wipe(secret);
  }
}

const pause = () => new Promise<void>((resolve) => platformTimers.setTimeout(resolve));

/** Iterates a hash, and yields to the event loop after each 10,000, some 10 ms. */
export async function hashRepeatedly(
  { hash }: Platform,
  name: Hash,
  data: Uint8Array,
  times: number,
): Promise<Uint8Array> {
  let digest = data;
  for (let left = times; left > 0; left -= 10_000) {
    if (left < times) await pause();
    digest = hash(name, digest, Math.min(left, 10_000));
  }
  return digest;
}

/** The purpose of derived bytes (RFC 7292 appendix B.3). */
export const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

/**
 * Derives `length` bytes as in PKCS#12 (RFC 7292 appendix B.2). forge's derivation blocks the event loop.
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
  const input = joined(new Uint8Array(v).fill(purpose), pad(salt), pad(bmpString)); // D ‖ S ‖ P
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

/** Encodes a password as a BMPString with a final NULL (appendix B.1); an absent one has no bytes. */
function bmpStringOf(password: string | null): Uint8Array {
  const units =
    password === null ? [] : Array.from(`${password}\0`.split(''), (c) => c.charCodeAt(0));
  return Uint8Array.from(units.flatMap((unit) => [unit >> 8, unit & 0xff]));
}

/** Looks up an object identifier in a table of supported ones. */
export function lookUp<T>(table: Readonly<Record<string, T>>, oid: asn1.Asn1 | undefined): T {
  const found = table[asn1.oidOf(oid)];
  if (found === undefined) throw unsupportedEncryption(asn1.oidOf(oid));
  return found;
}

/** Makes the error for an unsupported algorithm. It names the algorithm, which is public. */
export function unsupportedEncryption(name: string): InvalidInputError {
  return new InvalidInputError('keyMaterial', `is protected with ${name}, which is not supported`);
}

/** Encodes a password as UTF-8; an absent one has no bytes. */
export const utf8 = (password: string | null): Uint8Array =>
  new TextEncoder().encode(password ?? '');
