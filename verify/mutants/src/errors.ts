import { InvalidCiphertextError, InvalidInputError, ProviderUnavailableError } from '@keywrap/core';
import { failing, type Mutant, OPERATIONS, wrapped } from './mutant.js';

const base64 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64');

/** Wrong about errors. */
export const errorMutants: readonly Mutant[] = [
  failing('the plaintext in a message', 'errors-hide-secrets', 'encrypt', (error, input) =>
    Object.assign(error, { message: `can't encrypt ${Buffer.from(input?.plaintext ?? '')}` }),
  ),
  failing('the ciphertext in a message', 'errors-hide-secrets', 'decrypt', (error, input) =>
    Object.assign(error, { message: `can't decrypt ${base64(input?.ciphertext)}` }),
  ),
  failing('the ciphertext in hexadecimal', 'errors-hide-secrets', 'decrypt', (error, input) =>
    Object.assign(error, { hint: Buffer.from(input?.ciphertext ?? []).toString('hex') }),
  ),
  failing('the plaintext as a property', 'errors-hide-secrets', 'encrypt', (error, input) =>
    Object.assign(error, { input }),
  ),
  failing('the plaintext as a hidden property', 'errors-hide-secrets', 'encrypt', (error, input) =>
    Object.defineProperty(error, 'input', { value: { ...input }, enumerable: false }),
  ),
  failing('the plaintext in a cause', 'errors-hide-secrets', 'encrypt', (error, input) =>
    Object.assign(error, {
      cause: new Error('outer', { cause: new Error(`${Buffer.from(input?.plaintext ?? '')}`) }),
    }),
  ),
  failing('the beginning of the plaintext', 'errors-hide-secrets', 'encrypt', (error, input) =>
    Object.assign(error, {
      hint: Buffer.from(input?.plaintext ?? '')
        .subarray(0, 16)
        .toString('base64url'),
    }),
  ),
  wrapped('the opened plaintext in an error of reEncrypt', 'errors-hide-secrets', (inner) => ({
    reEncrypt: (input, options) =>
      inner.reEncrypt(input, options).catch(async (error: Error) => {
        const { source, ciphertext } = input;
        const opened = await inner.decrypt({ ...source, ciphertext }).catch(() => undefined);
        throw Object.assign(error, { state: { plaintext: opened?.plaintext } });
      }),
  })),

  ...OPERATIONS.map((operation) =>
    failing(`no operation on errors of ${operation}`, 'errors', operation, (error) =>
      Object.assign(error, { operation: undefined }),
    ),
  ),
  failing('no keyId on errors', 'errors', 'encrypt', (error) =>
    Object.assign(error, { keyId: undefined }),
  ),
  failing('another keyId on errors', 'errors', 'describeKey', (error) =>
    Object.assign(error, { keyId: 'alias/other' }),
  ),
  failing('every error worth retrying', 'errors', 'decrypt', (error) =>
    Object.assign(error, { retryable: true }),
  ),
  failing('errors without a message', 'errors', 'encrypt', (error) =>
    Object.assign(error, { message: '' }),
  ),
  failing('errors named Error', 'errors', 'encrypt', (error) =>
    Object.assign(error, { name: 'Error' }),
  ),
  failing('plain errors', 'errors', 'encrypt', (error) => new Error(error.message)),
  failing(
    'errors that only look right',
    'errors',
    'getPublicKey',
    ({ code, message, operation, keyId }) =>
      Object.assign(new Error(message), { code, operation, keyId, retryable: false }),
  ),
  failing('a code that is not that of the class', 'errors', 'encrypt', (error) =>
    Object.assign(
      new InvalidCiphertextError(error.message, { operation: 'encrypt', keyId: error.keyId }),
      { code: error.code },
    ),
  ),
  failing(
    'everything unavailable',
    'errors',
    'encrypt',
    ({ message, operation, keyId }) => new ProviderUnavailableError(message, { operation, keyId }),
  ),
  wrapped('bad input thrown at once', 'errors', (inner) => ({
    encrypt: (input, options) => {
      if (typeof input !== 'object') throw new InvalidInputError('input', 'must be an object');
      return inner.encrypt(input, options);
    },
  })),
];
