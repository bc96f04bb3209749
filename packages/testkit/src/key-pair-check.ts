import type { KeyObject } from 'node:crypto';
import type { DataKeyPairSpec } from '@keywrap/core';
import { check, Mismatch, sameBytes } from './expect.js';
import { nodeModule } from './platform.js';

const BITS = { RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096 } as const;

/** Cases that call these functions need {@link NODE_CRYPTO}: Web Crypto has not all of the curves. */
function openssl() {
  const crypto = nodeModule('node:crypto');
  if (crypto === undefined) throw new Error('the case must need `node:crypto`');
  return crypto;
}

/** OpenSSL's names for the curves. */
const CURVES = {
  ECC_NIST_P256: 'prime256v1',
  ECC_NIST_P384: 'secp384r1',
  ECC_NIST_P521: 'secp521r1',
  ECC_SECG_P256K1: 'secp256k1',
} as const;

/** Whether OpenSSL here reads keys of this kind: Bun's BoringSSL has no secp256k1. */
export const canRead = (spec: DataKeyPairSpec): boolean =>
  isRsa(spec) || openssl().getCurves().includes(CURVES[spec]);

/** Every kind of data key pair, in the order of the numbers in the ids of their cases. */
export const PAIR_SPECS = [...Object.keys(BITS), ...Object.keys(CURVES)] as DataKeyPairSpec[];

/** Parses a public key that must be exactly the DER of SubjectPublicKeyInfo (RFC 5280 §4.1). */
export function readPublicKey(der: Uint8Array): KeyObject {
  expectOneElement(der, 'public key');
  try {
    return openssl().createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  } catch {
    throw new Mismatch('a public key in DER of SubjectPublicKeyInfo', 'other bytes');
  }
}

/** Parses a private key that must be exactly the DER of unencrypted PKCS#8 (RFC 5958). */
export function readPrivateKey(der: Uint8Array): KeyObject {
  expectOneElement(der, 'private key');
  try {
    return openssl().createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    throw new Mismatch('a private key in DER of PKCS#8', 'other bytes');
  }
}

/** Fails the case unless the key has this spec. */
export function expectSpec(key: KeyObject, spec: DataKeyPairSpec): void {
  const { asymmetricKeyType, asymmetricKeyDetails: details } = key;
  const actual = `${asymmetricKeyType} ${details?.modulusLength ?? details?.namedCurve}`;
  const expected = isRsa(spec) ? `rsa ${BITS[spec]}` : `ec ${CURVES[spec]}`;
  check(actual === expected, `a key of the kind ${spec} (${expected})`, actual);
  if (!isRsa(spec)) return;
  // NIST SP 800-56B section 6.2: odd, and more than 2^16.
  const exponent = details?.publicExponent ?? 0n;
  check(exponent > 65536n, 'a public exponent of at least 65537', `${exponent}`);
}

/** Fails the case unless the two halves of the pair match. */
export function expectMatch(publicKey: KeyObject, privateKey: KeyObject): void {
  const { createPublicKey, sign, verify } = openssl();
  const message = Buffer.from('a message for both keys of a pair');
  let matches: boolean;
  try {
    matches =
      publicKey.asymmetricKeyType === 'rsa'
        ? opensWhatIsSealed(publicKey, privateKey, message)
        : // As strong as every curve (FIPS 186-5 section 6.1): Deno signs no shorter hash on P-521.
          verify('sha512', message, publicKey, sign('sha512', message, privateKey));
  } catch {
    matches = false;
  }
  const derived = createPublicKey(privateKey).export({ format: 'jwk' });
  const given = publicKey.export({ format: 'jwk' });
  matches &&= JSON.stringify(derived) === JSON.stringify(given);
  check(matches, 'a private key that belongs to the public key', 'another private key');
}

function opensWhatIsSealed(publicKey: KeyObject, privateKey: KeyObject, message: Buffer): boolean {
  const { constants, privateDecrypt, publicEncrypt } = openssl();
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const sealed = publicEncrypt({ key: publicKey, ...padding }, message);
  return sameBytes(privateDecrypt({ key: privateKey, ...padding }, sealed), message);
}

function isRsa(spec: DataKeyPairSpec): spec is keyof typeof BITS {
  return Object.hasOwn(BITS, spec);
}

/** Checks for exactly one DER SEQUENCE: OpenSSL would ignore trailing bytes. */
function expectOneElement(der: Uint8Array, what: string): void {
  const [tag, first = 0] = der;
  const lengthBytes = first > 0x80 ? first - 0x80 : 0;
  const length =
    lengthBytes === 0
      ? first
      : der.subarray(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  const isOne = tag === 0x30 && der.length === 2 + lengthBytes + length;
  check(isOne, `a ${what} that is one DER SEQUENCE`, 'something else, or trailing bytes');
}
