import { InvalidInputError, wipe } from '@keywrap/core';
import * as asn1 from '../engines/forge/der.js';
import { DerivationBudget } from './derivation.js';
import { type Decryption, decryptPem, decryptWithPassword, wrongPassphrase } from './encryption.js';
import type { KeyMaterial } from './key-material.js';
import { type Pkcs12Key, readPkcs12 } from './pkcs12.js';
import { type Platform, selectPlatform } from './platform.js';
import { readStructure } from './structure.js';
import { findKey } from './text.js';

/** How {@link readKeyMaterial} reads. */
export interface ReadKeyMaterialOptions {
  /** For an encrypted key. In PKCS#8 it is taken as UTF-8, in PKCS#12's own schemes as UTF-16. */
  readonly passphrase?: string | undefined;
}

/** Larger input is refused unread; a PKCS#12 file with a long certificate chain has some 10 KiB. */
const MAXIMUM_LENGTH = 1024 * 1024;

/**
 * Reads a key from whatever it came in: PKCS#1, PKCS#8 (plain or encrypted), SEC 1 `EC PRIVATE KEY`,
 * SubjectPublicKeyInfo, an X.509 certificate or a PKCS#12 file; PEM, DER, or either of them in base64.
 * What is something else is named in the error, with a command that converts it.
 *
 * The key is checked: that its numbers belong together and that its points are on their curve. What is
 * not checked is that RSA's primes are prime, and whether a certificate is valid.
 *
 * While it is read, a private key passes through strings that can't be wiped.
 *
 * @param data Text, or the bytes of a file; at most 1 MiB.
 * @throws InvalidInputError for `passphrase` if it is missing or wrong; for `keyMaterial` if there is no
 *   key, more than one, a damaged one, or one of a size or on a curve that is not supported. The
 *   message never quotes the input.
 *
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { readKeyMaterial } from '@keywrap/provider-local/key-files';
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
  const { der, dekInfo } = findKey(data);
  const platform = await selectPlatform();
  try {
    if (dekInfo) {
      const key = decryptPem(platform, dekInfo, der, required(passphrase));
      return readDecrypted(platform, { privateKeyInfo: key, isTrusted: false });
    }
    const value = asn1.parseDer(der);
    const found = readStructure(platform, value);
    if (typeof found !== 'string') return found;
    const [algorithm, ciphertext] = found === 'PFX' ? [] : asn1.itemsOf(value);
    if (ciphertext) required(passphrase);
    const read = async (decryption: Decryption): Promise<Pkcs12Key> => {
      if (!ciphertext) return readPkcs12(decryption, value);
      const octets = asn1.octetsOf(ciphertext);
      const privateKeyInfo = await decryptWithPassword(decryption, algorithm, octets);
      return { privateKeyInfo, isTrusted: false };
    };
    return readDecrypted(platform, await withEachPassword(platform, passphrase, read));
  } finally {
    wipe(der);
  }
}

function required(passphrase: string | undefined): string {
  if (passphrase !== undefined) return passphrase;
  throw new InvalidInputError('passphrase', 'is missing, and the key is encrypted');
}

/** Tries both passwords that are none, the empty and the absent one (RFC 7292 appendix B.1). */
async function withEachPassword<T>(
  platform: Platform,
  passphrase: string | undefined,
  read: (decryption: Decryption) => Promise<T>,
): Promise<T> {
  for (const password of passphrase ? [passphrase] : ['', null]) {
    try {
      return await read({ platform, password, budget: new DerivationBudget() });
    } catch (error) {
      if (!(error instanceof InvalidInputError && error.field === 'passphrase')) throw error;
    }
  }
  required(passphrase);
  throw wrongPassphrase();
}

/**
 * Reads what was decrypted. Where nothing has authenticated it, whoever changed the ciphertext has changed
 * it: then there is one error for all that is wrong, as any other would say something of the plaintext.
 */
function readDecrypted(platform: Platform, { privateKeyInfo, isTrusted }: Pkcs12Key): KeyMaterial {
  try {
    const found = readStructure(platform, privateKeyInfo);
    if (typeof found === 'string') throw asn1.malformed();
    return found;
  } catch (error) {
    if (isTrusted || !(error instanceof InvalidInputError)) throw error;
    throw wrongPassphrase();
  }
}
