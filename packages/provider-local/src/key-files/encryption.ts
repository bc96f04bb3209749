import { InvalidInputError, wipe } from '@keywrap/core';
import * as asn1 from '../cipher/engines/forge/der.js';
import { joined } from '../cipher/joined.js';
import {
  type Decryption,
  deriveKey,
  derivePkcs12,
  hashRepeatedly,
  lookUp,
  PBKDF2,
  PURPOSE,
  unsupportedEncryption,
  utf8,
} from './derivation.js';
import type { Cipher, Platform } from './platform.js';

type Asn1 = asn1.Asn1;

/** A private key, found in clear or decrypted. */
export interface Decrypted {
  readonly privateKeyInfo: Asn1;
  /** True if a change would have been detected: a MAC is right, or nothing was encrypted. */
  readonly isTrusted: boolean;
}

/**
 * PBKDF2 iterations of written files: OWASP's figure for HMAC-SHA-256
 * ([Password Storage Cheat Sheet](https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2)).
 */
export const ITERATIONS = 600_000;

/** RFC 8018 appendix A.4 */
const PBES2 = '1.2.840.113549.1.5.13';

/** RFC 8018 appendix B.2 and NIST's Computer Security Objects Register. */
const CIPHERS: Readonly<Record<string, Cipher>> = {
  '2.16.840.1.101.3.4.1.2': 'aes-128-cbc',
  '2.16.840.1.101.3.4.1.22': 'aes-192-cbc',
  '2.16.840.1.101.3.4.1.42': 'aes-256-cbc',
  '2.16.840.1.101.3.4.1.6': 'aes-128-gcm',
  '2.16.840.1.101.3.4.1.26': 'aes-192-gcm',
  '2.16.840.1.101.3.4.1.46': 'aes-256-gcm',
  '1.2.840.113549.3.7': 'des-ede3-cbc',
  '1.3.14.3.2.7': 'des-cbc',
};

/** Decrypts under a key derived by these parameters. */
type Scheme = (
  decryption: Decryption,
  parameters: Asn1 | undefined,
  ciphertext: Uint8Array,
) => Promise<Asn1>;

/** RFC 8018 appendix A.3 and RFC 7292 appendix C. */
const SCHEMES: Readonly<Record<string, Scheme>> = {
  [PBES2]: decryptPbes2,
  '1.2.840.113549.1.5.3': pbes1('md5', 'des-cbc'),
  '1.2.840.113549.1.5.6': pbes1('md5', 'rc2-cbc'),
  '1.2.840.113549.1.5.10': pbes1('sha1', 'des-cbc'),
  '1.2.840.113549.1.5.11': pbes1('sha1', 'rc2-cbc'),
  '1.2.840.113549.1.12.1.1': pkcs12('rc4', 16),
  '1.2.840.113549.1.12.1.2': pkcs12('rc4', 5),
  '1.2.840.113549.1.12.1.3': pkcs12('des-ede3-cbc', 24),
  '1.2.840.113549.1.12.1.4': pkcs12('des-ede3-cbc', 16),
  '1.2.840.113549.1.12.1.5': pkcs12('rc2-cbc', 16),
  '1.2.840.113549.1.12.1.6': pkcs12('rc2-cbc', 5),
};

/**
 * Decrypts ASN.1 that was encrypted under a password, as its AlgorithmIdentifier says.
 *
 * @throws InvalidInputError for `passphrase` if it is wrong; for `keyMaterial` if the scheme is not
 *   supported, malformed, or asks for too much work.
 */
export async function decryptWithPassword(
  decryption: Decryption,
  algorithm: Asn1 | undefined,
  ciphertext: Uint8Array,
): Promise<Asn1> {
  const [oid, parameters] = asn1.itemsOf(algorithm);
  return lookUp(SCHEMES, oid)(decryption, parameters, ciphertext);
}

/** Decrypts EncryptedPrivateKeyInfo (RFC 5958 §3), with the errors of {@link decryptWithPassword}. */
export async function decryptPrivateKeyInfo(
  decryption: Decryption,
  value: Asn1,
): Promise<Decrypted> {
  const [algorithm, ciphertext] = asn1.itemsOf(value);
  const octets = asn1.octetsOf(ciphertext);
  const privateKeyInfo = await decryptWithPassword(decryption, algorithm, octets);
  return { privateKeyInfo, isTrusted: false };
}

/**
 * Decodes decrypted bytes. If they are not authenticated, an attacker may have changed the ciphertext: then
 * every failure is the same error, as different ones would reveal something about the plaintext.
 */
export async function decodeDecrypted<T>(
  isTrusted: boolean,
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isTrusted || !(error instanceof InvalidInputError)) throw error;
    throw wrongPassphrase();
  }
}

/**
 * Decrypts PEM of OpenSSL's traditional commands: DEK-Info is the cipher, and its IV in hexadecimal (RFC 1421
 * §4.6.1.3); one round of MD5 makes the key ([EVP_BytesToKey](https://docs.openssl.org/3.0/man3/EVP_BytesToKey/)).
 */
export function decryptPem(
  platform: Platform,
  dekInfo: { readonly algorithm: string; readonly parameters: string | null },
  ciphertext: Uint8Array,
  password: string,
): Asn1 {
  const cipher = Object.values(CIPHERS).find((name) => name.toUpperCase() === dekInfo.algorithm);
  if (!cipher?.endsWith('cbc')) throw unsupportedEncryption('an old PEM cipher');
  const [keyLength, ivLength] = lengthsOf(cipher);
  const bytes = (dekInfo.parameters ?? '').match(/[\da-f]{2}/gi) ?? [];
  const iv = Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16));
  if (iv.length !== ivLength) throw asn1.malformed();
  const secret = joined(utf8(password), iv.subarray(0, 8));
  const key = new Uint8Array(32);
  for (let at = 0; at < keyLength; at += 16) {
    const input = joined(key.subarray(Math.max(0, at - 16), at), secret);
    key.set(platform.hash('md5', input), at);
    wipe(input);
  }
  wipe(secret);
  return decrypt(platform, cipher, key.subarray(0, keyLength), iv, ciphertext);
}

/** Encrypts PrivateKeyInfo with PBES2 (RFC 8018 §6.2). @returns EncryptedPrivateKeyInfo (RFC 5958 §3) */
export async function encryptWithPassphrase(
  platform: Platform,
  privateKeyInfo: Uint8Array,
  passphrase: string,
): Promise<Asn1> {
  const { subtle } = globalThis.crypto;
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  const password = utf8(passphrase);
  const derived = await platform.pbkdf2('sha256', password, salt, ITERATIONS, 32);
  const key = await subtle.importKey('raw', derived, 'AES-CBC', false, ['encrypt']);
  wipe(password);
  wipe(derived);
  const ciphertext = await subtle.encrypt({ name: 'AES-CBC', iv }, key, privateKeyInfo);

  const { sequence, objectIdentifier, octetString } = asn1;
  const prf = sequence(objectIdentifier('1.2.840.113549.2.9'), asn1.nullValue());
  const kdf = sequence(octetString(salt), asn1.integer(ITERATIONS), prf);
  const scheme = sequence(
    sequence(objectIdentifier(PBKDF2), kdf),
    sequence(objectIdentifier('2.16.840.1.101.3.4.1.42'), octetString(iv)),
  );
  const algorithm = sequence(objectIdentifier(PBES2), scheme);
  return sequence(algorithm, octetString(new Uint8Array(ciphertext)));
}

/** Makes the one error for a wrong passphrase, and for damage that looks the same. */
export function wrongPassphrase(): InvalidInputError {
  const problem = 'is wrong, or the key is damaged or not supported';
  return new InvalidInputError('passphrase', problem);
}

/** PBES2 (RFC 8018 §6.2); AES-GCM has its nonce and the length of its tag as parameters (RFC 5084 §3.2). */
async function decryptPbes2(
  decryption: Decryption,
  parameters: Asn1 | undefined,
  ciphertext: Uint8Array,
): Promise<Asn1> {
  const [kdf, encryption] = asn1.itemsOf(parameters);
  const [oid, cipherParameters] = asn1.itemsOf(encryption);
  const cipher = lookUp(CIPHERS, oid);
  const [keyLength, ivLength] = lengthsOf(cipher);
  const isGcm = cipher.endsWith('gcm');
  const [ivValue, tagLength] = isGcm ? asn1.itemsOf(cipherParameters) : [cipherParameters];
  if (isGcm && (tagLength === undefined || asn1.unsignedOf(tagLength) !== 16n)) {
    throw unsupportedEncryption('a GCM tag of another length than 16 bytes');
  }
  const iv = asn1.octetsOf(ivValue);
  if (iv.length !== ivLength) throw asn1.malformed();
  const key = await deriveKey(decryption, kdf, keyLength);
  return decrypt(decryption.platform, cipher, key, iv, ciphertext);
}

/** PBES1 with PBKDF1 (RFC 8018 §6.1 and §5.1). */
function pbes1(hash: 'md5' | 'sha1', cipher: 'des-cbc' | 'rc2-cbc'): Scheme {
  return async ({ platform, budget, password }, parameters, ciphertext) => {
    const [salt, count] = asn1.itemsOf(parameters);
    const iterations = budget.take('PKCS#12', asn1.countOf(count));
    const secret = joined(utf8(password), asn1.octetsOf(salt));
    const derived = await hashRepeatedly(platform, hash, secret, iterations);
    wipe(secret);
    return decrypt(platform, cipher, derived.subarray(0, 8), derived.subarray(8, 16), ciphertext);
  };
}

/** The schemes of PKCS#12 (RFC 7292 appendix C), always over SHA-1. */
function pkcs12(cipher: Cipher, keyLength: number): Scheme {
  return async ({ platform, budget, password }, parameters, ciphertext) => {
    const [saltValue, count] = asn1.itemsOf(parameters);
    const salt = asn1.octetsOf(saltValue);
    const iterations = budget.take('PKCS#12', asn1.countOf(count));
    const derive = (purpose: 1 | 2, length: number) =>
      derivePkcs12(platform, 'sha1', password, salt, iterations, purpose, length);
    const derived = await derive(PURPOSE.key, keyLength);
    // Two-key triple DES uses the first key again as the third (NIST SP 800-67 §3.1).
    const isTwoKeys = cipher === 'des-ede3-cbc' && keyLength === 16;
    const key = isTwoKeys ? joined(derived, derived.subarray(0, 8)) : derived;
    return decrypt(platform, cipher, key, await derive(PURPOSE.iv, 8), ciphertext);
  };
}

/** Returns the lengths in bytes of the key and IV of a cipher of {@link CIPHERS}. */
function lengthsOf(cipher: Cipher): readonly [key: number, iv: number] {
  if (!cipher.startsWith('aes')) return [cipher === 'des-cbc' ? 8 : 24, 8];
  return [Number(cipher.slice(4, 7)) / 8, cipher.endsWith('gcm') ? 12 : 16];
}

/** Decrypts a SEQUENCE. One wrong password in 256 leaves padding that looks right, and any with RC4. */
function decrypt(
  platform: Platform,
  cipher: Cipher,
  key: Uint8Array,
  iv: Uint8Array,
  ciphertext: Uint8Array,
): Asn1 {
  const plaintext = platform.decrypt(cipher, key, iv, ciphertext) ?? new Uint8Array();
  try {
    const value = asn1.parseDer(plaintext);
    asn1.itemsOf(value);
    return value;
  } catch {
    throw wrongPassphrase();
  } finally {
    wipe(key);
    wipe(plaintext);
  }
}

const randomBytes = (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length));
