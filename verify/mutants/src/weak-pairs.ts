import {
  checkPrimeSync,
  createECDH,
  createPrivateKey,
  createPublicKey,
  generatePrimeSync,
  type JsonWebKey,
} from 'node:crypto';
import { DataKeyPair, isRsaKeySpec } from '@keywrap/core';
import { type Mutant, replaced, wrapped } from './mutant.js';

// Key pairs as broken generators made them: infineon's primes, primes found one after the other, one prime for all.

const bigintOf = (base64url: unknown) =>
  BigInt(`0x${Buffer.from(String(base64url), 'base64url').toString('hex')}`);

function base64urlOf(number: bigint): string {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}

function inverse(a: bigint, modulus: bigint): bigint {
  let [r, next, t, nextT] = [modulus, a % modulus, 0n, 1n];
  while (next !== 0n) {
    const q = r / next;
    [r, next, t, nextT] = [next, r - q * next, nextT, t - q * nextT];
  }
  return t < 0n ? t + modulus : t;
}

const E = 65537n;

function rsaOf(p: bigint, q: bigint): JsonWebKey {
  const d = inverse(E, (p - 1n) * (q - 1n));
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
  const fields = Object.entries(numbers).map(([name, number]) => [name, base64urlOf(number)]);
  return { kty: 'RSA', ...Object.fromEntries(fields) };
}

/** A prime with its two highest bits set, so that the product of two has all its bits. */
function prime(bits: number): bigint {
  for (;;) {
    const p = generatePrimeSync(bits, { bigint: true });
    if (p >> BigInt(bits - 2) === 3n && (p - 1n) % E !== 0n) return p;
  }
}

function nextPrime(after: bigint): bigint {
  for (let q = after + 2n; ; q += 2n) {
    if ((q - 1n) % E !== 0n && checkPrimeSync(q)) return q;
  }
}

/** A prime k * M + (65537^a mod M), M the product of the first 126 primes: CVE-2017-15361. */
function rocaPrime(): bigint {
  const small = Array.from({ length: 702 }, (_, i) => i).filter(
    (n) => n > 1 && !Array.from({ length: n }, (_, i) => i).some((i) => i > 1 && n % i === 0),
  );
  const product = small.reduce((all, each) => all * BigInt(each), 1n);
  let power = 1n;
  for (let i = 0; i < 1000 + Math.random() * 1000; i++) power = (power * E) % product;
  for (let k = (3n << 1022n) / product + BigInt(Math.floor(Math.random() * 2 ** 40)); ; k++) {
    const candidate = k * product + power;
    if ((candidate - 1n) % E !== 0n && checkPrimeSync(candidate)) return candidate;
  }
}

function derOf(jwk: JsonWebKey) {
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  return {
    privateKey: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
    publicKey: new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
  };
}

/** Replaces the pairs that are generated, if `weaken` has a weaker one. */
function pairs(
  name: string,
  weaken: (jwk: JsonWebKey, spec: string, isFirst: boolean) => JsonWebKey | undefined,
): Mutant {
  const calls = new WeakSet<object>();
  return wrapped(name, 'key-pair-strength', (inner) => ({
    generateDataKeyPair: async (input, options) => {
      const isFirst = !calls.has(inner);
      calls.add(inner);
      const right = await inner.generateDataKeyPair(input, options);
      const key = createPrivateKey({
        key: Buffer.from(right.privateKey),
        format: 'der',
        type: 'pkcs8',
      });
      const weak = weaken(key.export({ format: 'jwk' }), input.keyPairSpec, isFirst);
      if (weak === undefined) return right;
      const { keyId, encryptionContext, keyPairSpec } = input;
      const made = derOf(weak);
      const sealed = await inner.encrypt({ keyId, encryptionContext, plaintext: made.privateKey });
      return new DataKeyPair({
        ...made,
        keyPairSpec,
        keyId: sealed.keyId,
        privateKeyCiphertext: sealed.ciphertext,
      });
    },
  }));
}

/** A scalar of at most half the bits of its curve. */
function shortScalar({ crv, d }: JsonWebKey, spec: string): JsonWebKey | undefined {
  if (isRsaKeySpec(spec)) return undefined;
  const names = {
    'P-256': 'prime256v1',
    'P-384': 'secp384r1',
    'P-521': 'secp521r1',
    secp256k1: 'secp256k1',
  };
  const scalar = Buffer.from(String(d), 'base64url');
  scalar.fill(0, 0, scalar.length >> 1);
  const ecdh = createECDH(names[crv as keyof typeof names]);
  ecdh.setPrivateKey(scalar);
  const point = ecdh.getPublicKey();
  const half = (point.length - 1) / 2;
  const [x, y] = [point.subarray(1, 1 + half), point.subarray(1 + half)];
  return {
    kty: 'EC',
    ...(crv && { crv }),
    d: scalar.toString('base64url'),
    x: x.toString('base64url'),
    y: y.toString('base64url'),
  };
}

const once = <T>(make: () => T) => {
  let made: T | undefined;
  return () => (made ??= make());
};

const common = once(() => prime(1024));
const roca = once(() => rsaOf(rocaPrime(), rocaPrime()));
const close = once(() => {
  const p = prime(1024);
  return rsaOf(nextPrime(p), p);
});

export const weakPairMutants: readonly Mutant[] = [
  pairs('scalars of half the bits', shortScalar),
  pairs('an exponent dP that belongs to another key', (jwk, spec) =>
    isRsaKeySpec(spec) ? { ...jwk, dp: base64urlOf(bigintOf(jwk.dp) + 2n) } : undefined,
  ),
  pairs('RSA pairs that share a prime', (_, spec) =>
    spec === 'RSA_2048' ? rsaOf(common(), prime(1024)) : undefined,
  ),
  pairs('RSA pairs that share a prime, the first of each instance', (_, spec, isFirst) =>
    isFirst && spec === 'RSA_2048' ? rsaOf(common(), prime(1024)) : undefined,
  ),
  pairs('RSA pairs of close primes', (_, spec) => (spec === 'RSA_2048' ? close() : undefined)),
  pairs('RSA pairs with the primes of ROCA', (_, spec) =>
    spec === 'RSA_2048' ? roca() : undefined,
  ),
  wrapped('keys with the primes of ROCA', 'key-pair-strength', (inner) => ({
    getPublicKey: async (input, options) => {
      const result = await inner.getPublicKey(input, options);
      return replaced(result, { publicKey: derOf(roca()).publicKey });
    },
  })),
];
