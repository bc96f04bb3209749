import { check } from './expect.js';

// The numbers of an RSA key, and what is known to make them weak.

/** The numbers of an RSA private key, as in RFC 8017 section 3.2. */
export interface RsaNumbers {
  readonly n: bigint;
  readonly e: bigint;
  readonly d: bigint;
  readonly p: bigint;
  readonly q: bigint;
  readonly dp: bigint;
  readonly dq: bigint;
  readonly qi: bigint;
}

/** Parses the base64url numbers of a JWK (RFC 7518 section 6.3). */
export function numbersOf(jwk: Readonly<Record<string, unknown>>): RsaNumbers {
  const names = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];
  return Object.fromEntries(
    names.map((name) => [name, numberOf(jwk[name])]),
  ) as unknown as RsaNumbers;
}

/** Parses one of them. */
export function numberOf(base64url: unknown): bigint {
  const binary = atob(
    String(base64url ?? '')
      .replace(/-/g, '+')
      .replace(/_/g, '/'),
  );
  return [...binary].reduce((sum, each) => (sum << 8n) | BigInt(each.charCodeAt(0)), 0n);
}

/** Computes `base ** exponent mod modulus`. */
export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Returns the greatest common divisor. */
export function gcd(one: bigint, other: bigint): bigint {
  let [a, b] = [one, other];
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

const bitsOf = (number: bigint) => number.toString(2).length;

/** Where one prime is close to a simple fraction of the other, Lehman's method factors (1974). */
const FRACTIONS = Array.from({ length: 12 }, (_, i) => BigInt(i + 1)).flatMap((a, _, all) =>
  all.filter((b) => gcd(a, b) === 1n).map((b) => [a, b] as const),
);

/** Fails the case unless the numbers belong together and are strong (FIPS 186-5 appendix A.1.1). */
export function expectStrongPrivate(key: RsaNumbers, bits: number): void {
  const { n, e, d, p, q, dp, dq, qi } = key;
  expectStrongPublic(n, e, bits);
  const half = bits / 2;
  check(p * q === n, 'n = p * q', 'another modulus');
  check(
    bitsOf(p) === half && bitsOf(q) === half,
    `two primes of ${half} bits`,
    `${bitsOf(p)} and ${bitsOf(q)}`,
  );
  for (const [a, b] of FRACTIONS) {
    const distance = bitsOf(a * p > b * q ? a * p - b * q : b * q - a * p);
    const what = a === b ? 'primes' : `${a} p and ${b} q`;
    check(
      distance > half - 100,
      `${what} at least 2^${half - 100} apart`,
      `${distance} bits apart`,
    );
  }
  for (const prime of [p, q])
    check(isProbablePrime(prime), 'p and q that are prime', 'a composite number');
  const lambda = ((p - 1n) * (q - 1n)) / gcd(p - 1n, q - 1n);
  check((e * d) % lambda === 1n, 'e * d = 1 mod lcm(p - 1, q - 1)', 'another exponent');
  check(
    bitsOf(d) > half,
    `a private exponent of more than ${half} bits (Wiener 1990)`,
    `${bitsOf(d)} bits`,
  );
  const isConsistent = dp === d % (p - 1n) && dq === d % (q - 1n) && (qi * q) % p === 1n;
  check(isConsistent, 'dP, dQ and qInv that belong to p, q and d', 'others');
}

/** Fails the case when a modulus shows a weakness to everybody who sees the public key. */
export function expectStrongPublic(n: bigint, e: bigint, bits: number): void {
  check(bitsOf(n) === bits, `a modulus of ${bits} bits`, `${bitsOf(n)} bits`);
  check(
    e > 65536n && e < 1n << 256n && (e & 1n) === 1n,
    'an odd exponent from 65537 to 2^256',
    `${e}`,
  );
  for (const prime of SMALL_PRIMES)
    check(n % prime !== 0n, 'a modulus without small factors', `${prime} divides it`);
  check(!isRoca(n), 'a modulus without the pattern of CVE-2017-15361 (ROCA)', 'one that has it');
  check(!hasClosePrimes(n), 'primes that are not close (CVE-2022-26320)', 'close ones');
}

/** Fails the case when a key shares a prime with another: the greatest common divisor then reveals both. */
export function expectNoSharedPrime(modulus: bigint, others: readonly bigint[]): void {
  for (const other of others) {
    check(gcd(modulus, other) === 1n, 'moduli without a common prime', 'a common prime');
  }
}

/** I2OSP of RFC 8017 section 4.1; by default as short as possible. */
export function bytesOf(number: bigint, length?: number): Uint8Array {
  const digits = number.toString(16);
  const hex = digits.padStart(2 * (length ?? (digits.length + 1) >> 1), '0');
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}

const SMALL_PRIMES = Array.from({ length: 1000 }, (_, i) => i)
  .filter((n) => n > 1 && !Array.from({ length: n }, (_, i) => i).some((i) => i > 1 && n % i === 0))
  .map(BigInt);

/**
 * The primes of such a key are powers of 65537 modulo the product of the first primes (Nemec et al., The Return of
 * Coppersmith's Attack, 2017), so the modulus is one for each of them.
 */
function isRoca(n: bigint): boolean {
  return ROCA_RESIDUES.every(([prime, powers]) => powers.has(n % prime));
}

/** 167 is the last prime for the shortest of these keys; a random modulus is such a power for all of them once in 2^27. */
const ROCA_RESIDUES = SMALL_PRIMES.filter((prime) => prime > 2n && prime <= 167n).map((prime) => {
  const powers = new Set<bigint>();
  for (let each = 1n; !powers.has(each); each = (each * 65537n) % prime) powers.add(each);
  return [prime, powers] as const;
});

/** Fermat's method: a few steps find primes that were searched for one after the other. */
function hasClosePrimes(n: bigint): boolean {
  let root = 1n << BigInt((bitsOf(n) + 1) >> 1);
  for (let next = (root + n / root) >> 1n; next < root; next = (root + n / root) >> 1n) root = next;
  for (let a = root + 1n, steps = 0; steps < 100; a++, steps++) {
    const square = a * a - n;
    let b = 1n << BigInt((bitsOf(square) + 1) >> 1);
    for (let next = (b + square / b) >> 1n; next < b; next = (b + square / b) >> 1n) b = next;
    if (b * b === square) return true;
  }
  return false;
}

/** The test of Miller and Rabin to a few bases: a composite number that a generator came by passes none. */
function isProbablePrime(n: bigint): boolean {
  let [odd, twos] = [n - 1n, 0];
  while ((odd & 1n) === 0n) {
    odd >>= 1n;
    twos++;
  }
  return [2n, 3n, 5n].every((base) => {
    let x = power(base, odd, n);
    if (x === 1n || x === n - 1n) return true;
    for (let i = 1; i < twos; i++) {
      x = (x * x) % n;
      if (x === n - 1n) return true;
    }
    return false;
  });
}
