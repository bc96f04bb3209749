import forge from 'node-forge';
import { type Asn1, malformed } from './der.js';
import {
  decryptCbc,
  parseDecrypted,
  requirePassphrase,
  unsupportedEncryption,
} from './password-based-encryption.js';

const DEK = {
  'AES-128-CBC': { name: 'AES-CBC', keyLength: 16, ivLength: 16 },
  'AES-192-CBC': { name: 'AES-CBC', keyLength: 24, ivLength: 16 },
  'AES-256-CBC': { name: 'AES-CBC', keyLength: 32, ivLength: 16 },
  'DES-EDE3-CBC': { name: '3DES-CBC', keyLength: 24, ivLength: 8 },
} as const;

/** The header of PEM that is itself encrypted (RFC 1421 §4.6.1.3), as OpenSSL's old formats use it. */
export interface DekInfo {
  readonly algorithm: string;
  /** The initialisation vector in hexadecimal. */
  readonly parameters: string | null;
}

/**
 * Decrypts what OpenSSL's "traditional" commands wrote: one round of MD5 stands between the passphrase
 * and the key, so it protects little. It is read, never written.
 *
 * @param body A binary string.
 * @throws InvalidInputError for `passphrase` if it is missing or wrong.
 */
export function decryptLegacyPem(
  { algorithm, parameters }: DekInfo,
  body: string,
  passphrase: string | undefined,
): Asn1 {
  const dek = Object.hasOwn(DEK, algorithm) ? DEK[algorithm as keyof typeof DEK] : undefined;
  if (dek === undefined) throw unsupportedEncryption('an old PEM cipher');
  if (!/^[0-9a-f]*$/i.test(parameters ?? '') || parameters?.length !== 2 * dek.ivLength) {
    throw malformed();
  }
  const iv = forge.util.hexToBytes(parameters);
  const key = evpBytesToKey(requirePassphrase(passphrase), iv.slice(0, 8), dek.keyLength);
  return parseDecrypted(decryptCbc(dek.name, key, iv, body));
}

/** [EVP_BytesToKey](https://docs.openssl.org/3.0/man3/EVP_BytesToKey/) with MD5 and a count of 1. */
function evpBytesToKey(passphrase: string, salt: string, length: number): string {
  const password = forge.util.encodeUtf8(passphrase);
  let derived = '';
  for (let previous = ''; derived.length < length; derived += previous) {
    previous = forge.md.md5
      .create()
      .update(previous + password + salt)
      .digest()
      .getBytes();
  }
  return derived.slice(0, length);
}
