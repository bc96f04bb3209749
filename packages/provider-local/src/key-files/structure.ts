import { InvalidInputError } from '@keywrap/core';
import * as asn1 from '../cipher/engines/forge/der.js';
import { KEY_OIDS } from '../cipher/engines/forge/key-info.js';
import { decodeEcPrivateKey, decodeEcPublicKey } from './ec.js';
import type { KeyMaterial } from './key-material.js';
import { otherFormat } from './other-formats.js';
import type { Platform } from './platform.js';
import { decodeRsaPrivateKey, decodeRsaPublicKey } from './rsa.js';

type Asn1 = asn1.Asn1;

/** A structure that protects a key with a password. */
export type Container = 'EncryptedPrivateKeyInfo' | 'PFX';

/**
 * Decodes a key, or recognises its container, by the first items: no two structures begin alike. PEM labels
 * are ignored, so a wrong label does no harm, and DER needs no hint.
 *
 * @throws InvalidInputError for `keyMaterial` if it holds no key, or a malformed or unsupported one.
 */
export function decodeStructure(platform: Platform, value: Asn1): KeyMaterial | Container {
  const items = asn1.itemsOf(value);
  const [first, second, third] = items;
  if (asn1.isUniversal(first, 'INTEGER')) {
    if (asn1.isUniversal(second, 'INTEGER')) {
      return items.length === 2 ? decodeRsaPublicKey(value) : decodeRsaPrivateKey(value);
    }
    if (asn1.isUniversal(second, 'OCTETSTRING')) return decodeEcPrivateKey(platform, value);
    if (asn1.isUniversal(third, 'OCTETSTRING')) return decodePrivateKeyInfo(platform, value);
    if (asn1.isUniversal(second, 'SEQUENCE')) return 'PFX';
  }
  if (asn1.isUniversal(first, 'SEQUENCE')) {
    if (asn1.isUniversal(second, 'OCTETSTRING')) return 'EncryptedPrivateKeyInfo';
    if (asn1.isUniversal(second, 'BITSTRING')) return decodePublicKeyInfo(platform, value);
    if (asn1.isUniversal(third, 'BITSTRING')) return decodeCertificate(platform, first);
    if (asn1.isUniversal(second, 'SEQUENCE')) throw otherFormat('a Bouncy Castle keystore (BCFKS)');
  }
  throw asn1.malformed();
}

/** PrivateKeyInfo, or OneAsymmetricKey, its successor (RFC 5958 §2). */
function decodePrivateKeyInfo(platform: Platform, value: Asn1): KeyMaterial {
  const [, algorithm, octets] = asn1.itemsOf(value);
  const [oid, parameters] = asn1.itemsOf(algorithm);
  const kind = kindOf(oid);
  const key = asn1.parseDer(asn1.octetsOf(octets));
  return kind === 'RSA' ? decodeRsaPrivateKey(key) : decodeEcPrivateKey(platform, key, parameters);
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1). */
function decodePublicKeyInfo(platform: Platform, value: Asn1 | undefined): KeyMaterial {
  const [algorithm, bits] = asn1.itemsOf(value);
  const [oid, parameters] = asn1.itemsOf(algorithm);
  return kindOf(oid) === 'RSA'
    ? decodeRsaPublicKey(asn1.parseDer(asn1.bitsOf(bits)))
    : decodeEcPublicKey(platform, asn1.bitsOf(bits), parameters);
}

/** The public key of an X.509 certificate (RFC 5280 §4.1). Its signature is not checked. */
function decodeCertificate(platform: Platform, tbsCertificate: Asn1): KeyMaterial {
  const fields = asn1.itemsOf(tbsCertificate);
  // version, which is optional; serialNumber, signature, issuer, validity, subject
  return decodePublicKeyInfo(platform, fields[asn1.isContext(fields[0], 0) ? 6 : 5]);
}

function kindOf(oid: Asn1 | undefined): 'RSA' | 'EC' {
  const dotted = asn1.oidOf(oid);
  if (dotted === KEY_OIDS.RSA) return 'RSA';
  if (dotted === KEY_OIDS.EC) return 'EC';
  if (dotted === '1.2.840.113549.1.1.10') {
    throw otherFormat('an RSA-PSS key, which is for signatures only'); // RFC 8017 appendix A.2.3
  }
  const problem = `is a key for ${dotted}; RSA and EC keys are supported`;
  throw new InvalidInputError('keyMaterial', problem);
}
