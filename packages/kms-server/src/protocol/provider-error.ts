import { KeyWrapError } from '@keywrap/core';
import { KmsError, validationError } from './kms-error.js';

/**
 * What KMS answers where provider-local refuses. Which key may be used for what has been checked before,
 * so what is left is what only the ciphertext or the context can show.
 *
 * @returns The error itself when it is one of KMS's, and `KMSInternalException` for what nobody expected.
 */
export function toKmsError(error: unknown): KmsError {
  if (error instanceof KmsError) return error;
  if (error instanceof KeyWrapError) {
    switch (error.code) {
      case 'INVALID_CIPHERTEXT':
        return new KmsError('InvalidCiphertextException');
      case 'INCORRECT_KEY':
        return incorrectKey();
      case 'INVALID_INPUT':
        return validationError(error.message);
      case 'UNSUPPORTED':
        return new KmsError('UnsupportedOperationException', error.message);
      case 'KEY_NOT_FOUND':
        return new KmsError('NotFoundException', error.message);
      case 'KEY_DISABLED':
        return new KmsError('DisabledException', error.message);
      case 'KEY_STATE':
        return new KmsError('KMSInvalidStateException', error.message);
    }
  }
  return new KmsError('KMSInternalException', '', 500);
}

/** For a ciphertext that another key made than the one that is named. */
export function incorrectKey(): KmsError {
  return new KmsError(
    'IncorrectKeyException',
    'The key ID in the request does not identify a CMK that can perform this operation.',
  );
}
