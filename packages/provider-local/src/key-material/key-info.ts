import {
  type Asn1,
  bitString,
  bitsOf,
  derBytes,
  derString,
  integer,
  itemsOf,
  octetString,
  octetsOf,
  oidOf,
  sequence,
  unsignedOf,
} from './der.js';

/** PrivateKeyInfo of PKCS#8, or OneAsymmetricKey, its successor (RFC 5958 §2). */
export interface PrivateKeyInfo {
  /** The kind of key, as a dotted object identifier. */
  readonly algorithm: string;
  /** The parameters of the algorithm: for an EC key its curve. */
  readonly parameters: Asn1 | undefined;
  /** The key itself in the encoding of its algorithm, as a binary string. */
  readonly privateKey: string;
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1). */
export interface PublicKeyInfo {
  readonly algorithm: string;
  readonly parameters: Asn1 | undefined;
  /** The key itself in the encoding of its algorithm, as a binary string. */
  readonly publicKey: string;
}

/** Reads PrivateKeyInfo; attributes and the public key that may follow are left alone. */
export function parsePrivateKeyInfo(value: Asn1): PrivateKeyInfo {
  const [version, algorithm, privateKey] = itemsOf(value);
  unsignedOf(version);
  const [oid, parameters] = itemsOf(algorithm);
  return { algorithm: oidOf(oid), parameters, privateKey: octetsOf(privateKey) };
}

/** Writes PrivateKeyInfo, version 0, without attributes. */
export function encodePrivateKeyInfo(algorithm: Asn1, privateKey: Asn1): Uint8Array {
  return derBytes(sequence(integer(0), algorithm, octetString(derString(privateKey))));
}

/** Reads SubjectPublicKeyInfo. */
export function parsePublicKeyInfo(value: Asn1): PublicKeyInfo {
  const [algorithm, publicKey] = itemsOf(value);
  const [oid, parameters] = itemsOf(algorithm);
  return { algorithm: oidOf(oid), parameters, publicKey: bitsOf(publicKey) };
}

/** Writes SubjectPublicKeyInfo; `publicKey` is a binary string. */
export function encodePublicKeyInfo(algorithm: Asn1, publicKey: string): Uint8Array {
  return derBytes(sequence(algorithm, bitString(publicKey)));
}
