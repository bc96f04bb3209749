import { type EccKeySpec, newSecret } from '@keywrap/core';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { fromBinaryString, toBinaryString } from '../cipher/engines/forge/binary-string.js';
import {
  type Asn1,
  bitString,
  bitsOf,
  explicit,
  explicitOf,
  integer,
  isUniversal,
  itemsOf,
  malformed,
  objectIdentifier,
  octetString,
  octetsOf,
  oidOf,
  sequence,
  unsignedOf,
} from './der.js';
import { encodePrivateKeyInfo, encodePublicKeyInfo } from './key-info.js';
import { OID } from './object-identifiers.js';

/** The curves, each with its object identifier and its arithmetic. */
const CURVES = {
  ECC_NIST_P256: { oid: OID.secp256r1, curve: p256 },
  ECC_NIST_P384: { oid: OID.secp384r1, curve: p384 },
  ECC_NIST_P521: { oid: OID.secp521r1, curve: p521 },
  ECC_SECG_P256K1: { oid: OID.secp256k1, curve: secp256k1 },
} as const satisfies Record<EccKeySpec, unknown>;

/** ECPrivateKey as RFC 5915 has it: the curve and the public key may be missing. */
export interface EcPrivateKey {
  readonly privateKey: Uint8Array;
  readonly parameters: Asn1 | undefined;
  readonly publicKey: Uint8Array | undefined;
}

/** The spec of a named curve; `undefined` for any other curve, and for one that is spelled out. */
export function ecSpecOf(parameters: Asn1 | undefined): EccKeySpec | undefined {
  if (!isUniversal(parameters, 'OID')) return undefined;
  const oid = oidOf(parameters);
  return (Object.keys(CURVES) as EccKeySpec[]).find((spec) => CURVES[spec].oid === oid);
}

/** Reads ECPrivateKey (RFC 5915 §3). */
export function parseEcPrivateKey(value: Asn1): EcPrivateKey {
  const [version, privateKey, ...optional] = itemsOf(value);
  if (unsignedOf(version) !== 1n) throw malformed();
  const parameters = optional.map((item) => explicitOf(item, 0)).find((item) => item);
  const publicKey = optional.map((item) => explicitOf(item, 1)).find((item) => item);
  return {
    privateKey: fromBinaryString(octetsOf(privateKey)),
    parameters,
    publicKey: publicKey && fromBinaryString(bitsOf(publicKey)),
  };
}

/** A new private key: random bits with a bias of less than 2⁻⁶⁴ (FIPS 186-5 appendix A.2.1). */
export function generateEcPrivateKey(spec: EccKeySpec): Uint8Array {
  const { curve } = CURVES[spec];
  const seed = globalThis.crypto.getRandomValues(newSecret(curve.lengths.seed ?? 0));
  const privateKey = curve.utils.randomSecretKey(seed);
  seed.fill(0);
  return privateKey;
}

/**
 * The public key of a private key, as an uncompressed point (SEC 1 §2.3.3).
 *
 * @throws InvalidInputError for `keyMaterial` if the private key is zero, or not below the order.
 */
export function ecPublicKeyOf(spec: EccKeySpec, privateKey: Uint8Array): Uint8Array {
  try {
    return CURVES[spec].curve.getPublicKey(privateKey, false);
  } catch {
    throw malformed();
  }
}

/**
 * A point on the curve in its uncompressed encoding, whichever encoding it had.
 *
 * @throws InvalidInputError for `keyMaterial` if it is not a point on the curve.
 */
export function uncompressedPoint(spec: EccKeySpec, point: Uint8Array): Uint8Array {
  try {
    return CURVES[spec].curve.Point.fromBytes(point).toBytes(false);
  } catch {
    throw malformed();
  }
}

/** A private key as long as the order of its curve (RFC 5915 §3); some writers drop leading zeros. */
export function padEcPrivateKey(spec: EccKeySpec, privateKey: Uint8Array): Uint8Array {
  const length = CURVES[spec].curve.lengths.secretKey ?? 0;
  const significant = privateKey.subarray(privateKey.findIndex((byte) => byte !== 0));
  if (significant.length > length) throw malformed();
  const padded = newSecret(length);
  padded.set(significant, length - significant.length);
  return padded;
}

/** Writes an EC private key as PrivateKeyInfo, DER; the curve stands outside, the public key inside. */
export function encodeEcPkcs8(
  spec: EccKeySpec,
  privateKey: Uint8Array,
  publicKey: Uint8Array,
): Uint8Array {
  return encodePrivateKeyInfo(
    algorithm(spec),
    sequence(
      integer(1),
      octetString(toBinaryString(privateKey)),
      explicit(1, bitString(toBinaryString(publicKey))),
    ),
  );
}

/** Writes an EC public key, an uncompressed point, as SubjectPublicKeyInfo, DER (RFC 5480 §2). */
export function encodeEcSpki(spec: EccKeySpec, publicKey: Uint8Array): Uint8Array {
  return encodePublicKeyInfo(algorithm(spec), toBinaryString(publicKey));
}

const algorithm = (spec: EccKeySpec): Asn1 =>
  sequence(objectIdentifier(OID['id-ecPublicKey']), objectIdentifier(CURVES[spec].oid));
