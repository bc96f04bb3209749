import type { CompleteDriver, FunctionName, OutputOf, RequestOf } from '../driver/driver.js';
import type { Awaitable, Call } from '../driver/requests.js';
import type {
  EncryptResult,
  KeyDescription,
  ProviderCapabilities,
  PublicKeyResult,
  ReEncryptResult,
  WrappedDataKey,
  WrappedDataKeyPair,
} from '../provider/provider.js';
import { DataKey, DataKeyPair, DecryptResult } from '../provider/secrets.js';
import {
  parseDataKeyInput,
  parseDataKeyPairInput,
  parseDecryptAsymmetricInput,
  parseDecryptInput,
  parseEncryptInput,
  parseKeyInput,
  parsePublicKeyInput,
  parseReEncryptInput,
} from './parse-input.js';

/** An operation of a provider, from what the caller passes to what it gets: a plain record. */
export interface Operation<Keys extends object, Request extends object, Output, Result = Output> {
  /** The method, as errors name it. */
  readonly name: string;
  /** Checks and copies the input, at once and without side effects. */
  parse(input: unknown, capabilities: ProviderCapabilities): Request;
  /** Does it. */
  work(driver: CompleteDriver<Keys>, request: Request, call: Call): Awaitable<Output>;
  /** Makes the result; by default the output is the result. */
  finish?(output: Output, request: Request): Result;
  /** The fields of the request that hold secret bytes: wiped when the work has settled. */
  readonly requestSecrets?: readonly (keyof Request & string)[];
  /** The fields of the output that hold secret bytes: wiped when the caller does not get them. */
  readonly outputSecrets?: readonly (keyof Output & string)[];
}

type DriverOperation<Name extends FunctionName, Result> = Operation<
  object,
  RequestOf<Name>,
  OutputOf<Name>,
  Result
>;

// A result has no version where the backend does not know it. Field by field: a spread takes as long as
// all of the checks.

export const ENCRYPT: DriverOperation<'encrypt', EncryptResult> = {
  name: 'encrypt',
  parse: parseEncryptInput,
  work: (driver, request, call) => driver.encrypt(request, call),
  finish({ ciphertext, keyId, keyVersion }, { algorithm }) {
    const result = { ciphertext, keyId, algorithm };
    return keyVersion === undefined ? result : { ...result, keyVersion };
  },
  requestSecrets: ['plaintext'],
};

export const DECRYPT: DriverOperation<'decrypt', DecryptResult> = {
  name: 'decrypt',
  parse: parseDecryptInput,
  work: (driver, request, call) => driver.decrypt(request, call),
  finish: ({ plaintext, keyId, keyVersion }, { algorithm }) =>
    new DecryptResult({ plaintext, keyId, keyVersion, algorithm }),
  outputSecrets: ['plaintext'],
};

export const DECRYPT_ASYMMETRIC: typeof DECRYPT = {
  ...DECRYPT,
  name: 'decryptAsymmetric',
  parse: parseDecryptAsymmetricInput,
};

export const RE_ENCRYPT: DriverOperation<'reEncrypt', ReEncryptResult> = {
  name: 'reEncrypt',
  parse: parseReEncryptInput,
  work: (driver, request, call) => driver.reEncrypt(request, call),
  finish({ sourceKeyVersion, destinationKeyVersion, ...output }, { source, destination }) {
    return {
      ...output,
      sourceAlgorithm: source.algorithm,
      destinationAlgorithm: destination.algorithm,
      ...(sourceKeyVersion !== undefined && { sourceKeyVersion }),
      ...(destinationKeyVersion !== undefined && { destinationKeyVersion }),
    };
  },
};

export const GENERATE_DATA_KEY: DriverOperation<'generateDataKey', DataKey> = {
  name: 'generateDataKey',
  parse: parseDataKeyInput,
  work: (driver, request, call) => driver.generateDataKey(request, call),
  finish: (output) => new DataKey(output),
  outputSecrets: ['plaintext'],
};

export const GENERATE_WRAPPED_DATA_KEY: DriverOperation<
  'generateDataKeyWithoutPlaintext',
  WrappedDataKey
> = {
  name: 'generateDataKeyWithoutPlaintext',
  parse: parseDataKeyInput,
  work: (driver, request, call) => driver.generateDataKeyWithoutPlaintext(request, call),
  finish: ({ keyVersion, ...result }) =>
    keyVersion === undefined ? result : { ...result, keyVersion },
};

export const GENERATE_DATA_KEY_PAIR: DriverOperation<'generateDataKeyPair', DataKeyPair> = {
  name: 'generateDataKeyPair',
  parse: parseDataKeyPairInput,
  work: (driver, request, call) => driver.generateDataKeyPair(request, call),
  finish: (output, { keyPairSpec }) => new DataKeyPair({ ...output, keyPairSpec }),
  outputSecrets: ['privateKey'],
};

export const GENERATE_WRAPPED_DATA_KEY_PAIR: DriverOperation<
  'generateDataKeyPairWithoutPlaintext',
  WrappedDataKeyPair
> = {
  name: 'generateDataKeyPairWithoutPlaintext',
  parse: parseDataKeyPairInput,
  work: (driver, request, call) => driver.generateDataKeyPairWithoutPlaintext(request, call),
  finish({ keyVersion, ...wrapped }, { keyPairSpec }) {
    const result = { ...wrapped, keyPairSpec };
    return keyVersion === undefined ? result : { ...result, keyVersion };
  },
};

export const GET_PUBLIC_KEY: DriverOperation<'getPublicKey', PublicKeyResult> = {
  name: 'getPublicKey',
  parse: parsePublicKeyInput,
  work: (driver, request, call) => driver.getPublicKey(request, call),
};

export const DESCRIBE_KEY: DriverOperation<'describeKey', KeyDescription> = {
  name: 'describeKey',
  parse: parseKeyInput,
  work: (driver, request, call) => driver.describeKey(request, call),
};
