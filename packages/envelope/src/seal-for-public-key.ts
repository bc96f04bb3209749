import { NO_OPTIONS, readFields, readSafely } from '@keywrap/core';
import { type RawRsaPublicKey, readRawRsaPublicKey } from './keys/wrapping-key.js';
import { copyPlaintext, sealAndWipe } from './seal.js';
import { readSealing, type SealingOptions } from './seal-options.js';

/**
 * Encrypts data for the holder of a private key, with the public key alone: no provider and no account are needed.
 * It is the raw RSA keyring of the AWS Encryption SDK; `open` decrypts the message with the provider's RSA key
 * that the name is mapped to.
 *
 * Anyone with the public key can make such a message, so it does not tell who made it.
 *
 * @param key The public key, and the namespace and name that the opening side maps to its key.
 * @param plaintext Any length. It may be wiped as soon as the call has returned its promise.
 * @throws `InvalidInputError`
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { open, sealForPublicKey } from '@keywrap/envelope';
 *
 * // Outside, with the public key that the service published:
 * const send = (publicKey: Uint8Array, report: Uint8Array) =>
 *   sealForPublicKey({ publicKey, namespace: 'partners', name: 'inbox-2026' }, {}, report);
 *
 * // In the service:
 * const receive = (keys: KeyWrapProvider, message: Uint8Array) =>
 *   open(keys, message, {
 *     trustedKeys: [{ keyId: 'alias/inbox', namespace: 'partners', name: 'inbox-2026' }],
 *     encryptionContext: {},
 *   });
 * ```
 */
export async function sealForPublicKey(
  key: RawRsaPublicKey,
  options: SealingOptions,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const { sealing, copy } = readSafely('sealForPublicKey', 'options', () => ({
    sealing: readSealing(
      [readRawRsaPublicKey(key, 'key')],
      readFields(options, 'options', ['encryptionContext', 'signed', 'frameLength']),
    ),
    copy: copyPlaintext(plaintext),
  }));
  return sealAndWipe(sealing, copy, NO_OPTIONS);
}
