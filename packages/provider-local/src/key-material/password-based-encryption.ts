import { InvalidInputError, wipe } from '@keywrap/core';
import forge from 'node-forge';
import { fromBinaryString, toBinaryString } from '../cipher/engines/forge/binary-string.js';
import {
  type Asn1,
  derString,
  integer,
  isUniversal,
  itemsOf,
  malformed,
  nullValue,
  objectIdentifier,
  octetString,
  octetsOf,
  oidOf,
  parseDer,
  sequence,
  unsignedOf,
} from './der.js';
import { type Digest, digestOf } from './digest.js';
import { OID } from './object-identifiers.js';
import { derivePkcs12, PURPOSE } from './pkcs12-kdf.js';

/**
 * Iterations of PBKDF2 for what is written: OWASP's figure for HMAC-SHA-256
 * ([Password Storage Cheat Sheet](https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2)).
 */
export const ITERATIONS = 600_000;

/** More iterations than these are refused unread: a file must not be able to keep this process busy for minutes. */
const MAXIMUM_ITERATIONS = { PBKDF2: 10_000_000, 'PKCS#12': 2_000_000 } as const;

/** PBKDF2's pseudo-random functions, under WebCrypto's names. */
const PRF: Readonly<Record<string, string>> = {
  [OID['id-hmacWithSHA1']]: 'SHA-1',
  [OID['id-hmacWithSHA256']]: 'SHA-256',
  [OID['id-hmacWithSHA384']]: 'SHA-384',
  [OID['id-hmacWithSHA512']]: 'SHA-512',
};

interface CbcCipher {
  readonly name: 'AES-CBC' | '3DES-CBC';
  readonly keyLength: number;
  readonly ivLength: number;
}

const CBC: Readonly<Record<string, CbcCipher>> = {
  [OID['aes128-CBC']]: { name: 'AES-CBC', keyLength: 16, ivLength: 16 },
  [OID['aes192-CBC']]: { name: 'AES-CBC', keyLength: 24, ivLength: 16 },
  [OID['aes256-CBC']]: { name: 'AES-CBC', keyLength: 32, ivLength: 16 },
  [OID['des-EDE3-CBC']]: { name: '3DES-CBC', keyLength: 24, ivLength: 8 },
};

/**
 * Decrypts ASN.1 that was encrypted under a passphrase: PBES2 with PBKDF2 (RFC 8018 §6.2), and the two
 * older schemes of PKCS#12 that old files use (RFC 7292 appendix C).
 *
 * @param algorithm AlgorithmIdentifier with the scheme and its parameters.
 * @param ciphertext A binary string.
 * @param budget That of the file which this is a part of.
 * @throws InvalidInputError for `passphrase` if it is missing or wrong; for `keyMaterial` if the scheme
 *   is not supported, damaged, or asks for too many iterations.
 */
export async function decryptWithPassphrase(
  algorithm: Asn1 | undefined,
  ciphertext: string,
  passphrase: string | undefined,
  budget = new IterationBudget(),
): Promise<Asn1> {
  const [oid, parameters] = itemsOf(algorithm);
  const scheme = oidOf(oid);
  const decrypt = SCHEME[scheme];
  if (decrypt === undefined) throw unsupportedEncryption(scheme);
  const secret = requirePassphrase(passphrase);
  return parseDecrypted(await decrypt(parameters, ciphertext, secret, budget));
}

/**
 * Parses what was decrypted, always a SEQUENCE. One wrong passphrase in 256 leaves padding that looks
 * right; the ASN.1 under it then does not.
 *
 * @param plaintext A binary string, or `undefined` if the padding is wrong.
 * @throws InvalidInputError for `passphrase`.
 */
export function parseDecrypted(plaintext: string | undefined): Asn1 {
  try {
    const value = parseDer(plaintext ?? '');
    itemsOf(value);
    return value;
  } catch {
    throw wrongPassphrase();
  }
}

/**
 * Encrypts ASN.1 under a passphrase with PBES2: PBKDF2-HMAC-SHA-256 and AES-256-CBC (RFC 8018 §6.2).
 *
 * @returns EncryptedPrivateKeyInfo (RFC 5958 §3): the algorithm with its parameters, and the ciphertext.
 */
export async function encryptWithPassphrase(value: Asn1, passphrase: string): Promise<Asn1> {
  const salt = toBinaryString(globalThis.crypto.getRandomValues(new Uint8Array(16)));
  const iv = toBinaryString(globalThis.crypto.getRandomValues(new Uint8Array(16)));
  const key = await pbkdf2('SHA-256', passphrase, salt, ITERATIONS, 32);
  const cipher = forge.cipher.createCipher('AES-CBC', key);
  cipher.start({ iv });
  cipher.update(forge.util.createBuffer(derString(value)));
  cipher.finish();

  const prf = sequence(objectIdentifier(OID['id-hmacWithSHA256']), nullValue());
  const kdf = sequence(octetString(salt), integer(ITERATIONS), prf);
  const scheme = sequence(
    sequence(objectIdentifier(OID['id-PBKDF2']), kdf),
    sequence(objectIdentifier(OID['aes256-CBC']), octetString(iv)),
  );
  return sequence(
    sequence(objectIdentifier(OID['id-PBES2']), scheme),
    octetString(cipher.output.getBytes()),
  );
}

/** The passphrase, which must be there. */
export function requirePassphrase(passphrase: string | undefined): string {
  if (passphrase !== undefined) return passphrase;
  throw new InvalidInputError('passphrase', 'is missing, and the key is encrypted');
}

/** The passphrase does not fit; or the file is damaged, which looks the same. */
export function wrongPassphrase(): InvalidInputError {
  return new InvalidInputError(
    'passphrase',
    'is wrong, or the key is damaged, or of no supported kind',
  );
}

/** The file asks for an algorithm that is not there; it is public, so it is named. */
export function unsupportedEncryption(oid: string): InvalidInputError {
  return new InvalidInputError('keyMaterial', `is protected with ${oid}, which is not supported`);
}

/** The iterations that a file may ask for, all of its parts together. */
export class IterationBudget {
  readonly #asked = { PBKDF2: 0, 'PKCS#12': 0 };

  /** The iteration count of a derivation, if it is within bounds. */
  take(value: Asn1 | undefined, derivation: keyof typeof MAXIMUM_ITERATIONS): number {
    const iterations = unsignedOf(value);
    const maximum = MAXIMUM_ITERATIONS[derivation];
    if (iterations < 1n) throw malformed();
    if (iterations > BigInt(maximum - this.#asked[derivation])) {
      throw new InvalidInputError(
        'keyMaterial',
        `asks for more than ${maximum} iterations of ${derivation} key derivation`,
      );
    }
    this.#asked[derivation] += Number(iterations);
    return Number(iterations);
  }
}

/** Decrypts with what the parameters say; `undefined` if the padding is wrong. */
type Scheme = (
  parameters: Asn1 | undefined,
  ciphertext: string,
  passphrase: string,
  budget: IterationBudget,
) => Promise<string | undefined>;

const decryptPbes2: Scheme = async (parameters, ciphertext, passphrase, budget) => {
  const [kdf, encryption] = itemsOf(parameters);
  const [kdfOid, kdfParameters] = itemsOf(kdf);
  if (oidOf(kdfOid) !== OID['id-PBKDF2']) throw unsupportedEncryption(oidOf(kdfOid));

  const [encryptionOid, ivValue] = itemsOf(encryption);
  const cipher = CBC[oidOf(encryptionOid)];
  if (cipher === undefined) throw unsupportedEncryption(oidOf(encryptionOid));
  const iv = octetsOf(ivValue);
  if (iv.length !== cipher.ivLength) throw malformed();

  // PBKDF2-params (RFC 8018 appendix A.2): keyLength may be left out, and so may prf, for HMAC-SHA-1.
  const [salt, count, ...optional] = itemsOf(kdfParameters);
  const iterations = budget.take(count, 'PBKDF2');
  if (isUniversal(optional[0], 'INTEGER')) {
    if (unsignedOf(optional.shift()) !== BigInt(cipher.keyLength)) throw malformed();
  }
  const prfOid =
    optional[0] === undefined ? OID['id-hmacWithSHA1'] : oidOf(itemsOf(optional[0])[0]);
  const hash = PRF[prfOid];
  if (hash === undefined) throw unsupportedEncryption(prfOid);

  const key = await pbkdf2(hash, passphrase, octetsOf(salt), iterations, cipher.keyLength);
  return decryptCbc(cipher.name, key, iv, ciphertext);
};

/** pkcs-12PbeParams (RFC 7292 appendix C), always over SHA-1. */
function pkcs12Scheme(
  keyLength: number,
  decrypt: (key: string, iv: string, ciphertext: string) => string | undefined,
): Scheme {
  return async (parameters, ciphertext, passphrase, budget) => {
    const [saltValue, count] = itemsOf(parameters);
    const salt = octetsOf(saltValue);
    const iterations = budget.take(count, 'PKCS#12');
    const sha1 = digestOf(OID['id-sha1']) as Digest;
    const derive = (purpose: 1 | 2, length: number) =>
      derivePkcs12(sha1, passphrase, salt, iterations, purpose, length);
    const key = await derive(PURPOSE.key, keyLength);
    return decrypt(key, await derive(PURPOSE.iv, 8), ciphertext);
  };
}

const SCHEME: Readonly<Record<string, Scheme>> = {
  [OID['id-PBES2']]: decryptPbes2,
  [OID.pbeWithSHAAnd3KeyTripleDESCBC]: pkcs12Scheme(24, (key, iv, ciphertext) =>
    decryptCbc('3DES-CBC', key, iv, ciphertext),
  ),
  [OID.pbewithSHAAnd40BitRC2CBC]: pkcs12Scheme(5, (key, iv, ciphertext) => {
    const decipher = forge.rc2.createDecryptionCipher(key, 40);
    decipher.start(iv);
    decipher.update(forge.util.createBuffer(ciphertext));
    return decipher.finish() ? decipher.output.getBytes() : undefined;
  }),
};

/** CBC with PKCS#7 padding (RFC 8018 appendix B.2); `undefined` if the padding is wrong. */
export function decryptCbc(
  name: CbcCipher['name'],
  key: string,
  iv: string,
  ciphertext: string,
): string | undefined {
  const decipher = forge.cipher.createDecipher(name, key);
  decipher.start({ iv });
  decipher.update(forge.util.createBuffer(ciphertext));
  return decipher.finish() ? decipher.output.getBytes() : undefined;
}

/**
 * PBKDF2 over the passphrase in UTF-8, by WebCrypto and so away from the event loop. forge's own is
 * JavaScript wherever its decryption functions call it.
 */
async function pbkdf2(
  hash: string,
  passphrase: string,
  salt: string,
  iterations: number,
  length: number,
): Promise<string> {
  const { subtle } = globalThis.crypto;
  const password = new TextEncoder().encode(passphrase);
  const key = await subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
  password.fill(0);
  const parameters = { name: 'PBKDF2', hash, salt: fromBinaryString(salt), iterations };
  const derived = new Uint8Array(await subtle.deriveBits(parameters, key, 8 * length));
  const binary = toBinaryString(derived);
  wipe(derived);
  return binary;
}
