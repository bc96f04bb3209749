import { randomBytes } from 'node:crypto';
import { wipe } from '@keywrap/core';
import { validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import { customKeyStoreNotFound, rejectRecipient, toBase64 } from './members.js';

/** [GenerateRandom](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html) */
export function GenerateRandom(request: RequestOf<'GenerateRandom'>) {
  rejectRecipient(request);
  const { NumberOfBytes, CustomKeyStoreId } = request;
  if (NumberOfBytes === undefined) throw validationError('NumberOfBytes is required.');
  if (CustomKeyStoreId !== undefined) throw customKeyStoreNotFound(CustomKeyStoreId);
  const bytes = randomBytes(NumberOfBytes);
  const Plaintext = toBase64(bytes);
  wipe(bytes);
  return { Plaintext };
}
