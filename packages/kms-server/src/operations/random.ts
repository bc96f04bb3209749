import { randomBytes } from 'node:crypto';
import { wipe } from '@keywrap/core';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import { refuseRecipient, toBase64 } from './common.js';

/** [GenerateRandom](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html) */
export function generateRandom(request: RequestOf<'GenerateRandom'>) {
  refuseRecipient(request);
  const { NumberOfBytes, CustomKeyStoreId } = request;
  if (NumberOfBytes === undefined) throw validationError('NumberOfBytes is required.');
  if (CustomKeyStoreId !== undefined) throw customKeyStoreNotFound(CustomKeyStoreId);
  const bytes = randomBytes(NumberOfBytes);
  const Plaintext = toBase64(bytes);
  wipe(bytes);
  return { Plaintext };
}

/** There are no custom key stores here, so none is ever found. */
export function customKeyStoreNotFound(id: string): KmsError {
  return new KmsError('CustomKeyStoreNotFoundException', `Custom key store ${id} does not exist.`);
}
