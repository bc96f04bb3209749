import { InvalidInputError, type OwnedBytes } from '@keywrap/core';
import { derBytes, itemsOf, octetsOf, oidOf, parseDer } from '../cipher/engines/forge/der.js';
import { KEY_OIDS } from '../cipher/engines/forge/key-info.js';
import { encryptWithPassphrase } from './encryption.js';
import { writePkcs12 } from './pkcs12.js';
import { selectPlatform } from './platform.js';
import { writePem } from './text.js';

/** The formats of a private key; the last two are encrypted under a passphrase. */
export type PrivateKeyFormat =
  | 'pkcs8-pem'
  | 'pkcs8-der'
  | 'pkcs1-pem'
  | 'pkcs8-encrypted-pem'
  | 'pkcs12';

/** The formats of a public key. */
export type PublicKeyFormat = 'spki-pem' | 'spki-der';

/** PEM is text, everything else bytes. */
export type Written<Format extends string> = Format extends `${string}-pem` ? string : OwnedBytes;

/** Options of {@link writeKeyMaterial}. */
export interface WriteKeyMaterialOptions<Format extends PrivateKeyFormat> {
  readonly format: Format;
  /** Required for the encrypted formats, and not empty; not allowed for the others. */
  readonly passphrase?: Format extends 'pkcs8-encrypted-pem' | 'pkcs12' ? string : undefined;
}

/**
 * Encodes a private key. Encryption is PBES2 with PBKDF2-HMAC-SHA-256, 600,000 iterations, and AES-256-CBC,
 * which OpenSSL 1.0 and later can read.
 *
 * @param privateKey PrivateKeyInfo, DER, as {@link readKeyMaterial} returns it.
 * @throws InvalidInputError for `passphrase` if it is missing, empty, or given for a format that is not
 *   encrypted; for `format` if it is unknown, or PKCS#1 for a key that is not RSA.
 *
 * @example
 * ```ts
 * import { type PrivateKeyMaterial, writeKeyMaterial } from '@keywrap/provider-local/key-files';
 *
 * declare const key: PrivateKeyMaterial;
 * const pem = await writeKeyMaterial(key.privateKey, {
 *   format: 'pkcs8-encrypted-pem',
 *   passphrase: 'correct horse',
 * });
 * ```
 */
export async function writeKeyMaterial<Format extends PrivateKeyFormat>(
  privateKey: Uint8Array,
  options: WriteKeyMaterialOptions<Format>,
): Promise<Written<Format>>;
export async function writeKeyMaterial(
  privateKey: Uint8Array,
  { format, passphrase }: { format: PrivateKeyFormat; passphrase?: string | undefined },
): Promise<string | OwnedBytes> {
  const [, algorithm, key] = itemsOf(parseDer(privateKey)); // PrivateKeyInfo
  const isEncrypted = format === 'pkcs8-encrypted-pem' || format === 'pkcs12';
  if (isEncrypted && !passphrase) {
    throw new InvalidInputError('passphrase', `is needed to write ${format}`);
  }
  if (!isEncrypted && passphrase !== undefined) {
    throw new InvalidInputError('passphrase', `must be left out: ${format} is not encrypted`);
  }
  switch (format) {
    case 'pkcs8-pem':
      return writePem('PRIVATE KEY', privateKey);
    case 'pkcs8-der':
      return new Uint8Array(privateKey);
    case 'pkcs1-pem':
      if (oidOf(itemsOf(algorithm)[0]) !== KEY_OIDS.RSA) {
        throw new InvalidInputError('format', 'is PKCS#1, which is for RSA keys only');
      }
      return writePem('RSA PRIVATE KEY', octetsOf(key));
    case 'pkcs8-encrypted-pem': {
      const platform = await selectPlatform();
      const encrypted = await encryptWithPassphrase(platform, privateKey, passphrase ?? '');
      return writePem('ENCRYPTED PRIVATE KEY', derBytes(encrypted));
    }
    case 'pkcs12':
      return writePkcs12(await selectPlatform(), privateKey, passphrase ?? '');
    default:
      throw new InvalidInputError('format', 'is not a format of private keys');
  }
}

/**
 * Encodes a public key.
 *
 * @param publicKey SubjectPublicKeyInfo, DER.
 *
 * @example
 * ```ts
 * import { type PublicKeyMaterial, writePublicKey } from '@keywrap/provider-local/key-files';
 *
 * declare const key: PublicKeyMaterial;
 * writePublicKey(key.publicKey, 'spki-pem'); // '-----BEGIN PUBLIC KEY-----\n...'
 * ```
 */
export function writePublicKey<Format extends PublicKeyFormat>(
  publicKey: Uint8Array,
  format: Format,
): Written<Format>;
export function writePublicKey(
  publicKey: Uint8Array,
  format: PublicKeyFormat,
): string | OwnedBytes {
  return format === 'spki-pem' ? writePem('PUBLIC KEY', publicKey) : new Uint8Array(publicKey);
}
