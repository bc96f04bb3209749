import { type EccKeySpec, InvalidInputError, newSecret, wipe } from '@keywrap/core';
import * as asn1 from '../cipher/engines/forge/der.js';
import {
  CURVE_OIDS,
  encodeEcPrivateKey,
  encodePublicKey,
} from '../cipher/engines/forge/key-info.js';
import { inconsistent, type KeyMaterial } from './key-material.js';
import { otherFormat } from './other-formats.js';
import type { Platform } from './platform.js';

/** The lengths in bytes of the curves' orders. */
const ORDER_LENGTHS = {
  ECC_NIST_P256: 32,
  ECC_NIST_P384: 48,
  ECC_NIST_P521: 66,
  ECC_SECG_P256K1: 32,
} as const satisfies Record<EccKeySpec, number>;

/**
 * Decodes a point in any of its encodings.
 *
 * @param parameters The curve, as its AlgorithmIdentifier names it (RFC 5480 §2.1.1).
 * @throws InvalidInputError for `keyMaterial` if it is not on a supported curve.
 */
export function decodeEcPublicKey(
  platform: Platform,
  point: Uint8Array,
  parameters: asn1.Asn1 | undefined,
): KeyMaterial {
  const keySpec = curveOf(parameters);
  const publicKey = encodePublicKey(keySpec, uncompressed(platform, keySpec, point));
  return { type: 'public', keySpec, publicKey };
}

/**
 * Decodes ECPrivateKey (RFC 5915 §3), computes its public key, and compares it with the one it contains.
 *
 * @param outer The curve that PrivateKeyInfo names; a bare ECPrivateKey must name its own.
 * @throws InvalidInputError for `keyMaterial`.
 */
export function decodeEcPrivateKey(
  platform: Platform,
  key: asn1.Asn1,
  outer?: asn1.Asn1,
): KeyMaterial {
  const [version, octets, ...optional] = asn1.itemsOf(key);
  if (asn1.unsignedOf(version) !== 1n) throw asn1.malformed();
  const [inner, bits] = [0, 1].map((tag) =>
    optional.map((item) => asn1.explicitOf(item, tag)).find((item) => item),
  );
  const keySpec = curveOf(outer ?? inner);
  if (inner !== undefined && curveOf(inner) !== keySpec) throw inconsistent();

  const given = asn1.octetsOf(octets);
  const scalar = newSecret(ORDER_LENGTHS[keySpec]);
  try {
    // Some programs drop leading zeros, others add one.
    const significant = given.subarray(given.findIndex((byte) => byte !== 0));
    if (significant.length > scalar.length) throw asn1.malformed();
    scalar.set(significant, scalar.length - significant.length);
    const point = platform.ecPublicPoint(keySpec, scalar);
    const claimed = bits && uncompressed(platform, keySpec, asn1.bitsOf(bits));
    if (claimed?.some((byte, i) => byte !== point[i])) throw inconsistent();
    const privateKey = encodeEcPrivateKey(keySpec, scalar, point);
    return { type: 'private', keySpec, privateKey, publicKey: encodePublicKey(keySpec, point) };
  } finally {
    wipe(given);
    wipe(scalar);
  }
}

/** Rejects the point at infinity, which is on every curve but has no coordinates. */
function uncompressed(platform: Platform, spec: EccKeySpec, point: Uint8Array): Uint8Array {
  if (point.length <= ORDER_LENGTHS[spec]) throw asn1.malformed();
  return platform.uncompressedPoint(spec, point);
}

function curveOf(parameters: asn1.Asn1 | undefined): EccKeySpec {
  if (asn1.isUniversal(parameters, 'SEQUENCE')) {
    throw otherFormat('a key that spells out its curve, which must be one with a name');
  }
  const oid = asn1.oidOf(parameters);
  const spec = (Object.keys(CURVE_OIDS) as EccKeySpec[]).find((each) => CURVE_OIDS[each] === oid);
  if (spec !== undefined) return spec;
  throw new InvalidInputError(
    'keyMaterial',
    'is not on a named curve that is supported: P-256, P-384, P-521 or secp256k1',
  );
}
