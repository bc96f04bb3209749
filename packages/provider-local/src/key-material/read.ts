import { type DataKeyPairSpec, InvalidInputError, type RsaKeySpec, wipe } from '@keywrap/core';
import { fromBinaryString } from '../cipher/engines/forge/binary-string.js';
import { type Asn1, itemsOf, malformed, octetsOf, parseDer } from './der.js';
import {
  ecPublicKeyOf,
  ecSpecOf,
  encodeEcPkcs8,
  encodeEcSpki,
  padEcPrivateKey,
  parseEcPrivateKey,
  uncompressedPoint,
} from './ec.js';
import { parsePrivateKeyInfo, parsePublicKeyInfo } from './key-info.js';
import { OID } from './object-identifiers.js';
import { decryptWithPassphrase, wrongPassphrase } from './password-based-encryption.js';
import { isPem, readPem } from './pem.js';
import { readPkcs12 } from './pkcs12.js';
import { publicKeyInfoOf, recognize } from './recognize.js';
import {
  bitLength,
  encodeRsaPkcs8,
  encodeRsaSpki,
  isConsistent,
  isPlausiblePublicKey,
  parseRsaPrivateKey,
  parseRsaPublicKey,
  type RsaPrivateNumbers,
  type RsaPublicNumbers,
} from './rsa.js';

/** A private key, and the public key that belongs to it. */
export interface PrivateKeyMaterial {
  readonly type: 'private';
  readonly keySpec: DataKeyPairSpec;
  /** PrivateKeyInfo, DER: version 0, no attributes; it owns its memory, so it can be wiped. */
  readonly privateKey: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** A public key alone. */
export interface PublicKeyMaterial {
  readonly type: 'public';
  readonly keySpec: DataKeyPairSpec;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** A key as it was read: described, and in the two encodings that everything else works with. */
export type KeyMaterial = PrivateKeyMaterial | PublicKeyMaterial;

/** How {@link readKeyMaterial} reads. */
export interface ReadKeyMaterialOptions {
  /** For an encrypted key. In PKCS#8 it is taken as UTF-8, in PKCS#12's own schemes as UTF-16. */
  readonly passphrase?: string | undefined;
}

/** Larger input is refused unread; a PKCS#12 file with a long certificate chain has some 10 KiB. */
const MAXIMUM_LENGTH = 1024 * 1024;

const RSA_SPECS: Readonly<Record<number, RsaKeySpec>> = {
  2048: 'RSA_2048',
  3072: 'RSA_3072',
  4096: 'RSA_4096',
};

/**
 * Reads a key from whatever it came in: PKCS#1, PKCS#8 (plain or encrypted), SEC 1 `EC PRIVATE KEY`,
 * SubjectPublicKeyInfo, an X.509 certificate or a PKCS#12 file; PEM or DER. RSA keys may have more
 * than two primes.
 *
 * The key is checked: that its numbers belong together and that its points are on their curve. What is
 * not checked is that RSA's primes are prime, and whether a certificate is valid.
 *
 * While it is read, a private key passes through strings that can't be wiped.
 *
 * @param data PEM as text, or PEM or DER as bytes; at most 1 MiB.
 * @throws InvalidInputError for `passphrase` if it is missing or wrong; for `keyMaterial` if there is no
 *   key, more than one, a damaged one, or one of a size or on a curve that is not supported. The
 *   message never quotes the input.
 *
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { readKeyMaterial } from '@keywrap/provider-local/key-material';
 *
 * const pem = await readFile('key.pem', 'utf8');
 * const key = await readKeyMaterial(pem, { passphrase: 'correct horse' });
 * if (key.type === 'private') console.log(key.keySpec); // 'RSA_2048'
 * ```
 */
export async function readKeyMaterial(
  data: string | Uint8Array,
  { passphrase }: ReadKeyMaterialOptions = {},
): Promise<KeyMaterial> {
  if (data.length > MAXIMUM_LENGTH) {
    throw new InvalidInputError('keyMaterial', `is longer than ${MAXIMUM_LENGTH} bytes`);
  }
  try {
    if (isPem(data)) {
      const { value, isDecrypted } = readPem(data, passphrase);
      if (!isDecrypted) return await readStructure(value, passphrase);
      return await readStructure(value, passphrase).catch(() => {
        throw wrongPassphrase();
      });
    }
    return await readStructure(parseDer(data), passphrase);
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw malformed(); // whatever node-forge or the runtime stumbled over; its message may quote data
  }
}

async function readStructure(value: Asn1, passphrase: string | undefined): Promise<KeyMaterial> {
  switch (recognize(value)) {
    case 'RSAPrivateKey':
      return rsaPrivate(parseRsaPrivateKey(value));
    case 'RSAPublicKey':
      return rsaPublic(parseRsaPublicKey(value));
    case 'ECPrivateKey':
      return ecPrivate(value);
    case 'PrivateKeyInfo':
      return privateKeyInfo(value);
    case 'SubjectPublicKeyInfo':
      return publicKeyInfo(value);
    case 'Certificate':
      return publicKeyInfo(publicKeyInfoOf(value));
    case 'EncryptedPrivateKeyInfo': {
      const [algorithm, ciphertext] = itemsOf(value);
      const info = await decryptWithPassphrase(algorithm, octetsOf(ciphertext), passphrase);
      return readDecrypted(() => privateKeyInfo(info));
    }
    case 'PFX': {
      const info = await readPkcs12(value, passphrase);
      return readDecrypted(() => privateKeyInfo(info));
    }
  }
}

/**
 * Reads what was decrypted, which nothing has authenticated: whoever changes the ciphertext changes it. One
 * error for all that may be wrong with it, because any other would say something of the plaintext.
 */
function readDecrypted<Key extends KeyMaterial>(read: () => Key): Key {
  try {
    return read();
  } catch {
    throw wrongPassphrase();
  }
}

function privateKeyInfo(value: Asn1): PrivateKeyMaterial {
  const { algorithm, parameters, privateKey } = parsePrivateKeyInfo(value);
  if (algorithm === OID.rsaEncryption) return rsaPrivate(parseRsaPrivateKey(parseDer(privateKey)));
  if (algorithm === OID['id-ecPublicKey']) return ecPrivate(parseDer(privateKey), parameters);
  throw unsupportedAlgorithm(algorithm);
}

function publicKeyInfo(value: Asn1): PublicKeyMaterial {
  const { algorithm, parameters, publicKey } = parsePublicKeyInfo(value);
  if (algorithm === OID.rsaEncryption) return rsaPublic(parseRsaPublicKey(parseDer(publicKey)));
  if (algorithm !== OID['id-ecPublicKey']) throw unsupportedAlgorithm(algorithm);
  const keySpec = ecSpecOf(parameters);
  if (keySpec === undefined) throw unsupportedCurve();
  const point = uncompressedPoint(keySpec, fromBinaryString(publicKey));
  return { type: 'public', keySpec, publicKey: encodeEcSpki(keySpec, point) };
}

function rsaPrivate(key: RsaPrivateNumbers): PrivateKeyMaterial {
  const keySpec = rsaSpecOf(key);
  if (!isConsistent(key)) throw inconsistent();
  return {
    type: 'private',
    keySpec,
    privateKey: encodeRsaPkcs8(key),
    publicKey: encodeRsaSpki(key),
  };
}

function rsaPublic(key: RsaPublicNumbers): PublicKeyMaterial {
  const keySpec = rsaSpecOf(key);
  if (!isPlausiblePublicKey(key)) throw inconsistent();
  return { type: 'public', keySpec, publicKey: encodeRsaSpki(key) };
}

function rsaSpecOf({ modulus }: RsaPublicNumbers): RsaKeySpec {
  const bits = bitLength(modulus);
  const spec = RSA_SPECS[bits];
  if (spec !== undefined) return spec;
  throw new InvalidInputError(
    'keyMaterial',
    `is an RSA key of ${bits} bits; 2048, 3072 and 4096 are supported`,
  );
}

/** @param outer The curve as PrivateKeyInfo names it; by itself, an ECPrivateKey must name its own. */
function ecPrivate(value: Asn1, outer?: Asn1): PrivateKeyMaterial {
  const key = parseEcPrivateKey(value);
  const keySpec = ecSpecOf(outer ?? key.parameters);
  if (keySpec === undefined) throw unsupportedCurve();
  if (key.parameters !== undefined && ecSpecOf(key.parameters) !== keySpec) throw inconsistent();

  const privateKey = padEcPrivateKey(keySpec, key.privateKey);
  try {
    const publicKey = ecPublicKeyOf(keySpec, privateKey);
    if (key.publicKey !== undefined) {
      const claimed = uncompressedPoint(keySpec, key.publicKey);
      if (claimed.some((byte, i) => byte !== publicKey[i])) throw inconsistent();
    }
    return {
      type: 'private',
      keySpec,
      privateKey: encodeEcPkcs8(keySpec, privateKey, publicKey),
      publicKey: encodeEcSpki(keySpec, publicKey),
    };
  } finally {
    wipe(privateKey);
    wipe(key.privateKey);
  }
}

function inconsistent(): InvalidInputError {
  return new InvalidInputError('keyMaterial', 'is damaged: its parts do not belong together');
}

function unsupportedAlgorithm(oid: string): InvalidInputError {
  return new InvalidInputError('keyMaterial', `is a key for ${oid}; RSA and EC keys are supported`);
}

function unsupportedCurve(): InvalidInputError {
  return new InvalidInputError(
    'keyMaterial',
    'is not on a named curve that is supported: P-256, P-384, P-521 or secp256k1',
  );
}
