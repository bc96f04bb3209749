import {
  checkPrimeSync,
  createPrivateKey,
  createPublicKey,
  generatePrimeSync,
  type JsonWebKey,
  randomBytes,
} from 'node:crypto';
import type { Pair } from './right/pairs.js';

// RSA keys of chosen primes, which no platform makes.

export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
}

/** Big-endian, at least `length` bytes. */
export function toBytes(number: bigint, length = 1): Buffer {
  const digits = number.toString(16);
  return Buffer.from(
    digits.padStart(Math.max(length * 2, digits.length + (digits.length % 2)), '0'),
    'hex',
  );
}

/** A number with exactly this many bits, the two highest of them set. */
export function randomNumber(bits: number): bigint {
  return (
    (toNumber(randomBytes(bits / 8)) & ((1n << BigInt(bits - 2)) - 1n)) | (3n << BigInt(bits - 2))
  );
}

export function randomPrime(bits: number): bigint {
  return generatePrimeSync(bits, { bigint: true });
}

export function isPrime(candidate: bigint): boolean {
  return checkPrimeSync(candidate, { checks: 8 });
}

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * b) % modulus;
    b = (b * b) % modulus;
  }
  return result;
}

export function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

export function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

const E = 65537n;

/** The key pair of two primes; undefined where the public exponent has no inverse. */
export function rsaPair(p: bigint, q: bigint): Pair | undefined {
  const phi = (p - 1n) * (q - 1n);
  if (p === q || gcd(E, phi) !== 1n) return undefined;
  const d = inverse(E, phi);
  const numbers = {
    n: p * q,
    e: E,
    d,
    p,
    q,
    dp: d % (p - 1n),
    dq: d % (q - 1n),
    qi: inverse(q, p),
  };
  const fields = Object.entries(numbers).map(([name, value]) => [
    name,
    toBytes(value).toString('base64url'),
  ]);
  const key = { kty: 'RSA', ...Object.fromEntries(fields) } as JsonWebKey;
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  return {
    publicKey: new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
    privateKey: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
}

/** The modulus and one prime of an RSA private key, PKCS#8. */
export function rsaNumbers(pkcs8: Uint8Array): { n: bigint; p: bigint; q: bigint } {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  const { n = '', p = '', q = '' } = key.export({ format: 'jwk' });
  const number = (text: string) => toNumber(Buffer.from(text, 'base64url'));
  return { n: number(n), p: number(p), q: number(q) };
}

/** The DER of a public key, SPKI, that belongs to a private one, PKCS#8. */
export function publicHalf(pkcs8: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/** The DER of one element. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), body]);
}

/** The private scalar of an EC key in PKCS#8 as it is written there (RFC 5915 section 3). */
export function writtenScalar(pkcs8: Uint8Array): Uint8Array {
  const bytes = Buffer.from(pkcs8);
  const at = bytes.indexOf(Uint8Array.of(0x02, 0x01, 0x01, 0x04)) + 4;
  return bytes.subarray(at + 1, at + 1 + (bytes[at] as number));
}
