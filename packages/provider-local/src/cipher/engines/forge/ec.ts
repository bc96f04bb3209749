import { type EccKeySpec, newSecret, wipe } from '@keywrap/core';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { EncodedKeyPair } from '../engine.js';
import { parsing } from './der.js';
import { encodeEcPrivateKey, encodePublicKey } from './key-info.js';

/** node-forge lacks these elliptic curves. */
const CURVES = {
  ECC_NIST_P256: p256,
  ECC_NIST_P384: p384,
  ECC_NIST_P521: p521,
  ECC_SECG_P256K1: secp256k1,
} as const satisfies Record<EccKeySpec, unknown>;

/** Makes a key pair of random bits with a bias of less than 2⁻⁶⁴ (FIPS 186-5 appendix A.2.1). */
export function generateEcKeyPair(spec: EccKeySpec): EncodedKeyPair {
  const { lengths, utils } = CURVES[spec];
  const seed = globalThis.crypto.getRandomValues(newSecret(lengths.seed ?? 0));
  const scalar = utils.randomSecretKey(seed);
  const point = ecPublicPoint(spec, scalar);
  const privateKey = encodeEcPrivateKey(spec, scalar, point);
  wipe(seed);
  wipe(scalar);
  return { privateKey, publicKey: encodePublicKey(spec, point) };
}

/**
 * Computes the public key of a private key, as an uncompressed point (SEC 1 §2.3.3).
 *
 * @param scalar As long as the order of the curve.
 * @throws InvalidInputError for `keyMaterial` if it is zero, or not below the order.
 */
export function ecPublicPoint(spec: EccKeySpec, scalar: Uint8Array): Uint8Array {
  return parsing(() => CURVES[spec].getPublicKey(scalar, false));
}

/**
 * Returns a point uncompressed, whether it is compressed, uncompressed or hybrid (ANSI X9.62 §4.3.6).
 *
 * @throws InvalidInputError for `keyMaterial` if it is not on the curve.
 */
export function uncompressedPoint(spec: EccKeySpec, point: Uint8Array): Uint8Array {
  const isHybrid = point[0] === 6 + ((point.at(-1) ?? 0) & 1) && point.length % 2 === 1;
  const encoded = isHybrid ? Uint8Array.of(4, ...point.subarray(1)) : point;
  return parsing(() => CURVES[spec].Point.fromBytes(encoded).toBytes(false));
}
