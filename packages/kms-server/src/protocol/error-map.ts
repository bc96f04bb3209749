import { isKeyArn, KeyWrapError } from '@keywrap/core';
import { KmsError, validationError } from './kms-error.js';

/**
 * Maps what an operation threw to the error that KMS returns. The messages of provider-local's keys are
 * KMS's own, without the full stop.
 *
 * @returns The error itself if it is one of KMS's, and `KMSInternalException` for an unexpected one.
 */
export function toKmsError(error: unknown): KmsError {
  if (error instanceof KmsError) return error;
  if (error instanceof KeyWrapError) {
    const { code, message, keyId } = error;
    switch (code) {
      case 'INVALID_CIPHERTEXT':
        return new KmsError('InvalidCiphertextException');
      case 'INCORRECT_KEY':
        return new KmsError(
          'IncorrectKeyException',
          'The key ID in the request does not identify a CMK that can perform this operation.',
        );
      case 'INVALID_INPUT':
        return validationError(message);
      case 'UNSUPPORTED':
        return new KmsError('UnsupportedOperationException', `${message}.`);
      case 'KEY_NOT_FOUND':
        return new KmsError('NotFoundException', notFound(message, keyId));
      case 'KEY_DISABLED':
        return new KmsError('DisabledException', `${message}.`);
      case 'KEY_STATE':
        return new KmsError('KMSInvalidStateException', `${message}.`);
      case 'THROTTLED':
        return new KmsError('LimitExceededException', `${message}.`);
    }
  }
  return new KmsError('KMSInternalException', '', 500);
}

/** @param arn Of the key or alias; undefined for key material. */
function notFound(message: string, arn: string | undefined): string {
  if (arn === undefined) return message;
  return isKeyArn(arn) ? `Key '${arn}' does not exist` : `Alias ${arn} is not found.`;
}
