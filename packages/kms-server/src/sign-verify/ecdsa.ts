import type { KeyObject } from 'node:crypto';
import { wipe } from '@keywrap/core';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';

// For digests only: node:crypto can't sign one without hashing it again.

/** The curves, as JSON Web Keys name them (RFC 7518 §6.2.1.1, RFC 8812 §3.1). */
const CURVES = { 'P-256': p256, 'P-384': p384, 'P-521': p521, secp256k1 } as const;

/** As OpenSSL does: the digest unchanged, DER (SEC 1 §C.5), and either of the two values of s. */
const OPTIONS = { prehash: false, lowS: false, format: 'der' } as const;

/** Signs a digest. */
export function signEcdsa(privateKey: KeyObject, digest: Uint8Array): Uint8Array {
  const { crv, d } = privateKey.export({ format: 'jwk' });
  const secret = Buffer.from(d as string, 'base64url');
  try {
    return curveOf(crv).sign(digest, secret, OPTIONS);
  } finally {
    wipe(secret);
  }
}

/** Tells whether this is a signature of the digest. */
export function verifyEcdsa(
  publicKey: KeyObject,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { crv, x, y } = publicKey.export({ format: 'jwk' });
  const coordinates = [x, y].map((value) => Buffer.from(value as string, 'base64url'));
  const point = Buffer.concat([Uint8Array.of(0x04), ...coordinates]); // SEC 1 §2.3.3
  try {
    return curveOf(crv).verify(signature, digest, point, OPTIONS);
  } catch {
    return false; // It is not DER, or its numbers are out of range.
  }
}

function curveOf(name: unknown) {
  return CURVES[name as keyof typeof CURVES];
}
