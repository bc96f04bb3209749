import { type Asn1, isContext, isUniversal, itemsOf, malformed } from './der.js';

/** The structures that a key comes in. */
export type KeyStructure =
  | 'RSAPrivateKey'
  | 'RSAPublicKey'
  | 'ECPrivateKey'
  | 'PrivateKeyInfo'
  | 'EncryptedPrivateKeyInfo'
  | 'SubjectPublicKeyInfo'
  | 'Certificate'
  | 'PFX';

/**
 * Tells by their first items which structure this is; no two of them begin alike. PEM labels are not
 * asked, so a wrong label does no harm, and DER needs no hint.
 *
 * @throws InvalidInputError for `keyMaterial` if it is none of them.
 */
export function recognize(value: Asn1): KeyStructure {
  const items = itemsOf(value);
  const [first, second, third] = items;
  if (isUniversal(first, 'INTEGER')) {
    if (isUniversal(second, 'INTEGER')) {
      return items.length === 2 ? 'RSAPublicKey' : 'RSAPrivateKey';
    }
    if (isUniversal(second, 'OCTETSTRING')) return 'ECPrivateKey';
    if (isUniversal(third, 'OCTETSTRING')) return 'PrivateKeyInfo';
    if (isUniversal(second, 'SEQUENCE')) return 'PFX';
  }
  if (isUniversal(first, 'SEQUENCE')) {
    if (isUniversal(second, 'OCTETSTRING')) return 'EncryptedPrivateKeyInfo';
    if (isUniversal(second, 'SEQUENCE')) return 'Certificate';
    return 'SubjectPublicKeyInfo';
  }
  throw malformed();
}

/** The SubjectPublicKeyInfo of an X.509 certificate (RFC 5280 §4.1). Its signature is not checked. */
export function publicKeyInfoOf(certificate: Asn1): Asn1 {
  const fields = itemsOf(itemsOf(certificate)[0]); // TBSCertificate
  // version, which may be left out; serialNumber, signature, issuer, validity, subject
  const publicKeyInfo = fields[isContext(fields[0], 0) ? 6 : 5];
  if (publicKeyInfo === undefined) throw malformed();
  return publicKeyInfo;
}
