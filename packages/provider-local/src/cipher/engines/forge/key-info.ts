import type { EccKeySpec, OwnedBytes } from '@keywrap/core';
import * as asn1 from './der.js';

/** rsaEncryption (RFC 8017 appendix A.1) and id-ecPublicKey (RFC 5480 §2.1.1). */
export const KEY_OIDS = { RSA: '1.2.840.113549.1.1.1', EC: '1.2.840.10045.2.1' } as const;

/** The object identifiers of the curves (RFC 5480 §2.1.1.1; SEC 2, appendix A.2). */
export const CURVE_OIDS = {
  ECC_NIST_P256: '1.2.840.10045.3.1.7',
  ECC_NIST_P384: '1.3.132.0.34',
  ECC_NIST_P521: '1.3.132.0.35',
  ECC_SECG_P256K1: '1.3.132.0.10',
} as const satisfies Record<EccKeySpec, string>;

/** Encodes PrivateKeyInfo, version 0, without attributes (RFC 5958 §2), around a key in DER. */
export function encodePrivateKey(algorithm: 'RSA' | EccKeySpec, key: Uint8Array): OwnedBytes {
  const { derBytes, integer, octetString, sequence } = asn1;
  return derBytes(sequence(integer(0), algorithmIdentifier(algorithm), octetString(key)));
}

/** Encodes an EC private key (RFC 5915 §3), with the curve outside and the public key inside. */
export function encodeEcPrivateKey(
  spec: EccKeySpec,
  scalar: Uint8Array,
  point: Uint8Array,
): OwnedBytes {
  const publicKey = asn1.explicit(1, asn1.bitString(point));
  const key = asn1.sequence(asn1.integer(1), asn1.octetString(scalar), publicKey);
  return encodePrivateKey(spec, asn1.derBytes(key));
}

/** Encodes SubjectPublicKeyInfo (RFC 5280 §4.1) around RSAPublicKey in DER, or a point. */
export function encodePublicKey(algorithm: 'RSA' | EccKeySpec, key: Uint8Array): OwnedBytes {
  return asn1.derBytes(asn1.sequence(algorithmIdentifier(algorithm), asn1.bitString(key)));
}

function algorithmIdentifier(algorithm: 'RSA' | EccKeySpec): asn1.Asn1 {
  if (algorithm === 'RSA') {
    return asn1.sequence(asn1.objectIdentifier(KEY_OIDS.RSA), asn1.nullValue());
  }
  const curve = asn1.objectIdentifier(CURVE_OIDS[algorithm]);
  return asn1.sequence(asn1.objectIdentifier(KEY_OIDS.EC), curve);
}
