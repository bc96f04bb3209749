import { ProviderClosedError, wipe } from '@keywrap/core';
import forge from 'node-forge';
import {
  bitLength,
  type RsaPublicNumbers,
  rsaPrivateNumbersOf,
  rsaPublicNumbersOf,
} from '../../../key-material/rsa.js';
import type { RsaPrivateKey, RsaPublicKey } from '../engine.js';
import { assertFitsOaep } from '../oaep-limits.js';
import { decodeOaep, encodeOaep } from './oaep.js';

const { BigInteger } = forge.jsbn;
type BigInteger = forge.jsbn.BigInteger;

/** An RSA private key in forge's numbers; the factors are in Garner's order, as in `RsaPrivateNumbers`. */
interface PrivateNumbers {
  readonly n: BigInteger;
  readonly e: BigInteger;
  readonly modulusLength: number;
  readonly factors: readonly Record<'prime' | 'exponent' | 'coefficient', BigInteger>[];
}

/**
 * Loads an RSA private key for use in JavaScript, on forge's big integers.
 *
 * Decryption keeps the event loop busy while it runs: some 30 ms for a key of 2048 bits. Its time
 * depends on the numbers in it, and blinding is what keeps an attacker from choosing those.
 *
 * @param pkcs8 PrivateKeyInfo, DER; two primes or more.
 * @throws InvalidInputError for `keyMaterial` if it is not an RSA private key.
 */
export function loadRsaPrivateKey(pkcs8: Uint8Array): RsaPrivateKey {
  const numbers = rsaPrivateNumbersOf(pkcs8);
  const modulusLength = modulusLengthOf(numbers);
  let key: PrivateNumbers | undefined = {
    n: fromBigInt(numbers.modulus),
    e: fromBigInt(numbers.publicExponent),
    modulusLength,
    factors: numbers.factors.map(({ prime, exponent, coefficient }) => ({
      prime: fromBigInt(prime),
      exponent: fromBigInt(exponent),
      coefficient: fromBigInt(coefficient),
    })),
  };
  return {
    modulusLength,
    async decrypt(ciphertext, hash) {
      if (key === undefined) throw new ProviderClosedError('The key was destroyed.');
      if (ciphertext.length !== modulusLength) return undefined; // RFC 8017 §7.1.2 step 1b
      const c = fromBytes(ciphertext);
      if (c.compareTo(key.n) >= 0) return undefined; // §5.1.2 step 1
      return decodeOaep(toBytes(decryptBlinded(c, key), modulusLength), hash);
    },
    // Neither forge's numbers nor the strings they came from can be wiped.
    destroy() {
      key = undefined;
    },
  };
}

/**
 * Loads an RSA public key for use in JavaScript, on forge's big integers.
 *
 * @param spki SubjectPublicKeyInfo, DER.
 * @throws InvalidInputError for `keyMaterial` if it is not an RSA public key.
 */
export function loadRsaPublicKey(spki: Uint8Array): RsaPublicKey {
  const numbers = rsaPublicNumbersOf(spki);
  const modulusLength = modulusLengthOf(numbers);
  const n = fromBigInt(numbers.modulus);
  const e = fromBigInt(numbers.publicExponent);
  return {
    modulusLength,
    async encrypt(plaintext, hash) {
      assertFitsOaep(plaintext.length, modulusLength, hash);
      const encoded = encodeOaep(plaintext, modulusLength, hash);
      const message = fromBytes(encoded);
      wipe(encoded); // it unmasks without a key
      return toBytes(message.modPow(e, n), modulusLength); // RSAEP, §5.1.1
    },
  };
}

/**
 * RSADP on c·rᵉ instead of c, then a division by r, so that no attacker knows the number that is raised
 * to the secret power.
 *
 * forge can decrypt by itself, but takes no more than two primes into account, does not blind where it
 * has to do without them, and draws its r from a generator of its own.
 */
function decryptBlinded(c: BigInteger, key: PrivateNumbers): BigInteger {
  const [r, rInverse] = randomUnit(key);
  const blinded = c.multiply(r.modPow(key.e, key.n)).mod(key.n);
  return raiseByFactors(blinded, key).multiply(rInverse).mod(key.n);
}

/** RSADP with the Chinese remainder theorem (RFC 8017 §5.1.2 step 2b), for any number of primes. */
function raiseByFactors(c: BigInteger, key: PrivateNumbers): BigInteger {
  let m = BigInteger.ZERO;
  let product = BigInteger.ONE;
  for (const { prime, exponent, coefficient } of key.factors) {
    const residue = c.mod(prime).modPow(exponent, prime);
    const h = residue.subtract(m).multiply(coefficient).mod(prime);
    m = m.add(product.multiply(h));
    product = product.multiply(prime);
  }
  return m;
}

/** A random number below n that has an inverse, and its inverse. */
function randomUnit({ n, modulusLength }: PrivateNumbers): [BigInteger, BigInteger] {
  for (;;) {
    const r = fromBytes(globalThis.crypto.getRandomValues(new Uint8Array(modulusLength)));
    if (r.compareTo(n) >= 0 || r.signum() <= 0) continue;
    const inverse = r.modInverse(n); // zero where there is none
    if (inverse.signum() > 0) return [r, inverse];
  }
}

function modulusLengthOf({ modulus }: RsaPublicNumbers): number {
  return Math.ceil(bitLength(modulus) / 8);
}

function fromBigInt(value: bigint): BigInteger {
  return new BigInteger(value.toString(16), 16);
}

/** OS2IP (RFC 8017 §4.2). */
function fromBytes(bytes: Uint8Array): BigInteger {
  return new BigInteger(forge.util.bytesToHex(String.fromCharCode(...bytes)), 16);
}

/** I2OSP (RFC 8017 §4.1). */
function toBytes(value: BigInteger, length: number): Uint8Array {
  const hex = value.toString(16).padStart(2 * length, '0');
  return Uint8Array.from({ length }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
