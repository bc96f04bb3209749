import type { EncryptionContext } from '@keywrap/core';
import type { KeyRecord } from '@keywrap/provider-local/keys';
import { isSymmetric } from '../keys/key-metadata.js';
import { KmsError, validationError } from '../protocol/kms-error.js';

// Members of requests and responses that several operations have.

/**
 * Ends a dry run, when everything has been checked
 * ([testing your permissions](https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html)).
 *
 * @throws KmsError `DryRunOperationException`
 */
export function endDryRun({ DryRun }: { readonly DryRun?: boolean | undefined }): void {
  if (DryRun !== true) return;
  throw new KmsError(
    'DryRunOperationException',
    'The request would have succeeded, but the DryRun option is set.',
  );
}

/** A response carries bytes in base64. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/**
 * Rejects the attestation document of a Nitro enclave, which this server could not check.
 *
 * @throws KmsError `UnsupportedOperationException`
 */
export function rejectRecipient({ Recipient }: { readonly Recipient?: object | undefined }): void {
  if (Recipient !== undefined) throw unsupported('Recipient is not supported by this server.');
}

/**
 * Returns the encryption context for a key. RSA has nothing to bind one to.
 *
 * @throws KmsError `ValidationException`
 */
export function contextFor(key: KeyRecord, context: EncryptionContext = {}): EncryptionContext {
  if (isSymmetric(key) || Object.keys(context).length === 0) return context;
  throw validationError(`EncryptionContext is not supported with the key spec ${key.keySpec}.`);
}

/** For what a key, or this server, does not support. */
export function unsupported(message: string): KmsError {
  return new KmsError('UnsupportedOperationException', message);
}

/** Makes the error for a custom key store: this server has none. */
export function customKeyStoreNotFound(id: string): KmsError {
  return new KmsError('CustomKeyStoreNotFoundException', `Custom key store ${id} does not exist.`);
}
