import {
  createProvider,
  KeyWrapError,
  type KeyWrapErrorCode,
  type KeyWrapProvider,
  UnsupportedOperationError,
} from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export const randomBytes = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 65536) crypto.getRandomValues(bytes.subarray(i, i + 65536));
  return bytes;
};

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A provider with keys in memory. */
export const localKeys = (...aliases: string[]): LocalKeyWrapProvider =>
  new LocalKeyWrapProvider({ keys: aliases.length > 0 ? aliases : ['alias/a'] });

/** Returns the error that the promise rejects with, which must be one of the contract. */
export async function rejection(promise: Promise<unknown>): Promise<KeyWrapError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(KeyWrapError);
    return error as KeyWrapError;
  }
  throw new Error('it did not reject');
}

/** Expects an error with this code and, for `INVALID_INPUT`, this field. */
export async function expectRejection(
  promise: Promise<unknown>,
  code: KeyWrapErrorCode,
  field?: string,
): Promise<void> {
  const error = await rejection(promise);
  expect(error.code, error.message).to.equal(code);
  if (field !== undefined) expect(error, error.message).to.have.property('field', field);
}

/** A provider whose only data key is given. */
export function knowing(id: string, dataKey: Uint8Array): KeyWrapProvider {
  const unsupported = () => {
    throw new UnsupportedOperationError('only decrypts');
  };
  return createProvider({
    id,
    capabilities: {
      algorithms: ['SYMMETRIC_DEFAULT'],
      encryptionContext: true,
      keyIdFromCiphertext: true,
      dataKeys: true,
      dataKeyPairSpecs: [],
    },
    encrypt: unsupported,
    describeKey: unsupported,
    decrypt: () => ({
      plaintext: dataKey.slice(),
      keyId: 'arn:aws:kms:us-west-2:111122223333:key/known',
    }),
  });
}
