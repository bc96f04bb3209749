import { InvalidInputError, wipe } from '@keywrap/core';
import { type Asn1, malformed, parseDer } from '../cipher/engines/forge/der.js';
import { DerivationBudget } from './derivation.js';
import {
  type Decrypted,
  decodeDecrypted,
  decryptPem,
  decryptPrivateKeyInfo,
  wrongPassphrase,
} from './encryption.js';
import type { KeyMaterial } from './key-material.js';
import { decodePkcs12 } from './pkcs12.js';
import { type Platform, selectPlatform } from './platform.js';
import { decodeStructure } from './structure.js';
import { findKey } from './text.js';

/** Options of {@link readKeyMaterial}. */
export interface ReadKeyMaterialOptions {
  /** For an encrypted key. It is encoded as UTF-8 for PKCS#8, as UTF-16 for PKCS#12's own schemes. */
  readonly passphrase?: string | undefined;
}

/** Larger input is rejected unread; a PKCS#12 file with a long certificate chain has some 10 KiB. */
const MAXIMUM_LENGTH = 1024 * 1024;

/**
 * Parses a key in any common format: PKCS#1, PKCS#8 (plain or encrypted), SEC 1 `EC PRIVATE KEY`,
 * SubjectPublicKeyInfo, an X.509 certificate or a PKCS#12 file; PEM, DER, or either of them in base64.
 * For other formats, the error names the format and a command that converts it.
 *
 * Checks that the key's numbers belong together and that its points are on their curve. Does not check that
 * RSA's primes are prime, or that a certificate is valid.
 *
 * While it is parsed, a private key passes through strings that can't be wiped.
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
      return await decodeDecrypted(false, () => decodePlain(platform, key));
    }
    const value = parseDer(der);
    const found = decodeStructure(platform, value);
    if (typeof found !== 'string') return found;
    if (found === 'EncryptedPrivateKeyInfo') required(passphrase);
    const open = found === 'PFX' ? decodePkcs12 : decryptPrivateKeyInfo;
    const { privateKeyInfo, isTrusted } = await withEachPassword(passphrase, (password) =>
      open({ platform, password, budget: new DerivationBudget() }, value),
    );
    return await decodeDecrypted(isTrusted, () => decodePlain(platform, privateKeyInfo));
  } finally {
    wipe(der);
  }
}

/** Decodes a key that must not be encrypted. */
function decodePlain(platform: Platform, value: Asn1): KeyMaterial {
  const found = decodeStructure(platform, value);
  if (typeof found === 'string') throw malformed();
  return found;
}

function required(passphrase: string | undefined): string {
  if (passphrase !== undefined) return passphrase;
  throw new InvalidInputError('passphrase', 'is missing, and the key is encrypted');
}

/** Tries both ways to have no password: the empty and the absent one (RFC 7292 appendix B.1). */
async function withEachPassword(
  passphrase: string | undefined,
  open: (password: string | null) => Promise<Decrypted>,
): Promise<Decrypted> {
  for (const password of passphrase ? [passphrase] : ['', null]) {
    try {
      return await open(password);
    } catch (error) {
      if (!(error instanceof InvalidInputError && error.field === 'passphrase')) throw error;
    }
  }
  required(passphrase);
  throw wrongPassphrase();
}
