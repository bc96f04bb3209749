import {
  AccessDeniedError,
  type EncryptionContext,
  IncorrectKeyError,
  type KeyWrapError,
  wipe,
} from '@keywrap/core';
import { problemOfName } from '../keys/key-name.js';
import type { KeyRecord } from '../keys/record.js';
import { type Blob, encodeBlob, unopenable, withKeyId } from './blob.js';
import type { KeyCipher } from './key-cipher.js';

/** Makes the error for a blob of another key than the named one. */
export function incorrectKey(): IncorrectKeyError {
  return new IncorrectKeyError('another key made this ciphertext than the one that is named');
}

/**
 * Makes the error for a blob whose key does not exist here, as in AWS KMS: it was deleted, or is in another
 * Region or account. A blob is damaged if no key can have the id in its header, or if it is one of the named
 * key but for that id or its length.
 *
 * @param named The key that the caller named, if it named one.
 */
export function unknownKey(
  cipher: KeyCipher,
  blob: Blob,
  encryptionContext: EncryptionContext,
  named: KeyRecord | undefined,
): KeyWrapError {
  if (problemOfName({ id: blob.keyId }) !== undefined) return unopenable();
  if (named === undefined) {
    return new AccessDeniedError(
      'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access',
    );
  }
  return isOf(named, cipher, blob, encryptionContext) ? unopenable() : incorrectKey();
}

function isOf(
  key: KeyRecord,
  cipher: KeyCipher,
  blob: Blob,
  encryptionContext: EncryptionContext,
): boolean {
  try {
    const own = withKeyId(encodeBlob(blob.header, blob.nonce, blob.sealed), key.id);
    wipe(cipher.decryptBlob(key, own, encryptionContext).plaintext);
    return true;
  } catch {
    return false;
  }
}
