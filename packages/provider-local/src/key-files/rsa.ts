import { InvalidInputError, type RsaKeySpec, rsaKeySpecOf } from '@keywrap/core';
import * as asn1 from '../cipher/engines/forge/der.js';
import { encodePrivateKey, encodePublicKey } from '../cipher/engines/forge/key-info.js';
import { inconsistent, type KeyMaterial } from './key-material.js';
import { otherFormat } from './other-formats.js';

/**
 * Decodes RSAPublicKey (RFC 8017 appendix A.1.1).
 *
 * @throws InvalidInputError for `keyMaterial` if it is malformed, of an unsupported size, or not a possible key.
 */
export function decodeRsaPublicKey(key: asn1.Asn1): KeyMaterial {
  const [n, e, ...more] = asn1.itemsOf(key);
  if (more.length > 0) throw asn1.malformed();
  const keySpec = specOf(asn1.unsignedOf(n), asn1.unsignedOf(e));
  return { type: 'public', keySpec, publicKey: encodePublicKey('RSA', asn1.derBytes(key)) };
}

/**
 * Decodes RSAPrivateKey of two primes (RFC 8017 appendix A.1.2), and checks the relations between its numbers
 * (§3.2), which OpenSSL does not. Does not check that the primes are prime.
 *
 * @throws InvalidInputError for `keyMaterial`.
 */
export function decodeRsaPrivateKey(key: asn1.Asn1): KeyMaterial {
  const items = asn1.itemsOf(key);
  if (asn1.unsignedOf(items[0]) === 1n) {
    throw otherFormat('an RSA key of more than two primes, which AWS KMS does not take either');
  }
  if (items.length !== 9) throw asn1.malformed();
  const [version, n, e, d, p, q, dP, dQ, qInv] = items.map(asn1.unsignedOf) as [
    ...[bigint, bigint, bigint, bigint, bigint],
    ...[bigint, bigint, bigint, bigint],
  ];
  const keySpec = specOf(n, e);
  const isConsistent =
    version === 0n &&
    [d, p, q, dP, dQ, qInv].every((number) => number > 0n && number < n) &&
    p * q === n &&
    (e * d) % (p - 1n) === 1n &&
    (e * d) % (q - 1n) === 1n &&
    dP === d % (p - 1n) &&
    dQ === d % (q - 1n) &&
    qInv < p &&
    (qInv * q) % p === 1n;
  if (!isConsistent) throw inconsistent();
  return {
    type: 'private',
    keySpec,
    privateKey: encodePrivateKey('RSA', asn1.derBytes(key)),
    publicKey: encodePublicKey('RSA', asn1.derBytes(asn1.sequence(...items.slice(1, 3)))),
  };
}

/** Checks for an odd modulus and an odd exponent of 2 to 64 bits: OpenSSL rejects longer ones for a large modulus. */
function specOf(n: bigint, e: bigint): RsaKeySpec {
  const bits = n === 0n ? 0 : n.toString(2).length;
  const spec = rsaKeySpecOf(bits / 8);
  if (spec === undefined) {
    throw new InvalidInputError(
      'keyMaterial',
      `is an RSA key of ${bits} bits; 2048, 3072 and 4096 are supported`,
    );
  }
  if (n % 2n !== 1n || e % 2n !== 1n || e < 3n || e >= 2n ** 64n) throw inconsistent();
  return spec;
}
