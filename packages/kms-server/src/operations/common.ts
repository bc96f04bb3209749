import type { EncryptionContext } from '@keywrap/core';
import type { KmsKey } from '../keys/kms-key.js';
import { KmsError, validationError } from '../protocol/kms-error.js';

/** The request members of an operation that can be tried without being done. */
interface DryRun {
  readonly DryRun?: boolean | undefined;
}

/**
 * Ends an operation that was only to be tried, when everything has been checked
 * ([testing your permissions](https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html)).
 *
 * @throws KmsError `DryRunOperationException`
 */
export function endDryRun({ DryRun }: DryRun): void {
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
 * Refuses the attestation document of a Nitro enclave: nobody here could check it.
 *
 * @throws KmsError `UnsupportedOperationException`
 */
export function refuseRecipient({ Recipient }: { readonly Recipient?: object | undefined }): void {
  if (Recipient !== undefined) throw unsupported('Recipient is not supported by this server.');
}

/**
 * An encryption context as provider-local takes it: none for RSA, which has nothing to bind it to.
 *
 * @throws KmsError `ValidationException`
 */
export function contextFor(
  { keySpec }: Pick<KmsKey, 'keySpec'>,
  context: EncryptionContext = {},
): EncryptionContext | undefined {
  if (keySpec === 'SYMMETRIC_DEFAULT') return context;
  if (Object.keys(context).length === 0) return undefined;
  throw validationError(`EncryptionContext is not supported with the key spec ${keySpec}.`);
}

/** What KMS answers to what a key, or this server, can't do. */
export function unsupported(message = ''): KmsError {
  return new KmsError('UnsupportedOperationException', message);
}
