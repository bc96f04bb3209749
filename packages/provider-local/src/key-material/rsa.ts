import {
  type Asn1,
  derString,
  integer,
  itemsOf,
  malformed,
  nullValue,
  objectIdentifier,
  parseDer,
  sequence,
  unsignedOf,
} from './der.js';
import {
  encodePrivateKeyInfo,
  encodePublicKeyInfo,
  parsePrivateKeyInfo,
  parsePublicKeyInfo,
} from './key-info.js';
import { OID } from './object-identifiers.js';

/** RSAPublicKey (RFC 8017 §3.1). */
export interface RsaPublicNumbers {
  readonly modulus: bigint;
  readonly publicExponent: bigint;
}

/** One prime of an RSA private key with what the Chinese remainder theorem needs for it (RFC 8017 §3.2). */
export interface RsaFactor {
  readonly prime: bigint;
  /** The private exponent modulo the prime less one: dP, dQ, d_i. */
  readonly exponent: bigint;
  /** The inverse, modulo this prime, of the product of all factors before this one: qInv, t_i. Unused in the first. */
  readonly coefficient: bigint;
}

/**
 * RSAPrivateKey (RFC 8017 appendix A.1.2). The factors are in the order in which Garner's algorithm
 * (§5.1.2 step 2b) takes them: q, p, r_3 and so on. So one loop serves any number of primes.
 */
export interface RsaPrivateNumbers extends RsaPublicNumbers {
  readonly privateExponent: bigint;
  readonly factors: readonly RsaFactor[];
}

/** The longest modulus that is read, in bits. Checks take time that grows with it, and no key has more. */
const MAXIMUM_MODULUS_BITS = 16384;

/** OtherPrimeInfos beyond these would make primes so small that the key is weak. */
const MAXIMUM_PRIMES = 5;

const rsaEncryption = () => sequence(objectIdentifier(OID.rsaEncryption), nullValue());

/** Reads RSAPrivateKey. The numbers are taken as they stand; {@link isConsistent} checks them. */
export function parseRsaPrivateKey(value: Asn1): RsaPrivateNumbers {
  const [version, ...rest] = itemsOf(value);
  const otherPrimes = rest.length === 9 ? itemsOf(rest.pop()) : [];
  if (rest.length !== 8 || otherPrimes.length > MAXIMUM_PRIMES - 2) throw malformed();
  // Version 1 is the mark of a key with more than two primes.
  if (unsignedOf(version) !== (otherPrimes.length > 0 ? 1n : 0n)) throw malformed();

  const [n, e, d, p, q, dP, dQ, qInv] = rest.map(unsignedOf) as [
    ...[bigint, bigint, bigint, bigint, bigint],
    ...[bigint, bigint, bigint],
  ];
  if (bitLength(n) > MAXIMUM_MODULUS_BITS) throw malformed();
  return {
    modulus: n,
    publicExponent: e,
    privateExponent: d,
    factors: [
      { prime: q, exponent: dQ, coefficient: 1n },
      { prime: p, exponent: dP, coefficient: qInv },
      ...otherPrimes.map((info) => {
        const [prime, exponent, coefficient] = itemsOf(info);
        return {
          prime: unsignedOf(prime),
          exponent: unsignedOf(exponent),
          coefficient: unsignedOf(coefficient),
        };
      }),
    ],
  };
}

/** Reads RSAPublicKey. */
export function parseRsaPublicKey(value: Asn1): RsaPublicNumbers {
  const [n, e, ...more] = itemsOf(value);
  const modulus = unsignedOf(n);
  if (more.length > 0 || bitLength(modulus) > MAXIMUM_MODULUS_BITS) throw malformed();
  return { modulus, publicExponent: unsignedOf(e) };
}

/** Reads the RSA private key in a PrivateKeyInfo. */
export function rsaPrivateNumbersOf(pkcs8: Uint8Array): RsaPrivateNumbers {
  const { algorithm, privateKey } = parsePrivateKeyInfo(parseDer(pkcs8));
  if (algorithm !== OID.rsaEncryption) throw malformed();
  return parseRsaPrivateKey(parseDer(privateKey));
}

/** Reads the RSA public key in a SubjectPublicKeyInfo. */
export function rsaPublicNumbersOf(spki: Uint8Array): RsaPublicNumbers {
  const { algorithm, publicKey } = parsePublicKeyInfo(parseDer(spki));
  if (algorithm !== OID.rsaEncryption) throw malformed();
  return parseRsaPublicKey(parseDer(publicKey));
}

/** Writes RSAPrivateKey. */
export function encodeRsaPrivateKey(key: RsaPrivateNumbers): Asn1 {
  const [q, p, ...others] = key.factors;
  if (q === undefined || p === undefined) throw malformed();
  const otherPrimeInfos = others.map((factor) =>
    sequence(integer(factor.prime), integer(factor.exponent), integer(factor.coefficient)),
  );
  return sequence(
    integer(others.length > 0 ? 1 : 0),
    integer(key.modulus),
    integer(key.publicExponent),
    integer(key.privateExponent),
    integer(p.prime),
    integer(q.prime),
    integer(p.exponent),
    integer(q.exponent),
    integer(p.coefficient),
    ...(others.length > 0 ? [sequence(...otherPrimeInfos)] : []),
  );
}

/** Writes an RSA private key as PrivateKeyInfo, DER. */
export function encodeRsaPkcs8(key: RsaPrivateNumbers): Uint8Array {
  return encodePrivateKeyInfo(rsaEncryption(), encodeRsaPrivateKey(key));
}

/** Writes an RSA public key as SubjectPublicKeyInfo, DER. */
export function encodeRsaSpki(key: RsaPublicNumbers): Uint8Array {
  const publicKey = sequence(integer(key.modulus), integer(key.publicExponent));
  return encodePublicKeyInfo(rsaEncryption(), derString(publicKey));
}

/**
 * Checks the relations between the numbers of a private key (RFC 8017 §3.2), so that a damaged key is
 * refused when it is read and not found out by wrong results. Whether the primes are prime is not checked.
 */
export function isConsistent(key: RsaPrivateNumbers): boolean {
  if (!isPlausiblePublicKey(key)) return false;
  let product = 1n;
  for (const { prime, exponent, coefficient } of key.factors) {
    if (prime < 3n || prime % 2n === 0n) return false;
    if ((key.publicExponent * key.privateExponent) % (prime - 1n) !== 1n) return false;
    if (exponent !== key.privateExponent % (prime - 1n)) return false;
    if (product !== 1n && (coefficient >= prime || (coefficient * product) % prime !== 1n)) {
      return false;
    }
    product *= prime;
  }
  return product === key.modulus;
}

/** An odd modulus, and an odd exponent from 3 to 64 bits: OpenSSL refuses longer ones for a large modulus. */
export function isPlausiblePublicKey({ modulus, publicExponent }: RsaPublicNumbers): boolean {
  const isOdd = modulus % 2n === 1n && publicExponent % 2n === 1n;
  return isOdd && publicExponent >= 3n && bitLength(publicExponent) <= 64;
}

/** The length of a number in bits. */
export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}
