import type { CompleteDriver, FunctionName, OutputOf, RequestOf } from '../driver/driver.js';
import type { Awaitable, Call } from '../driver/requests.js';
import { ownBytes } from '../provider/bytes.js';
import { ownFields } from '../provider/own-fields.js';
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
import * as input from './parse-input.js';

/** An operation of a provider, from its input to its result: a plain record. Those here inherit nothing. */
export interface Operation<Keys extends object, Request extends object, Output, Result = Output> {
  /** The name of the method in errors. */
  readonly name: string;
  /** Checks and copies the input, synchronously and without side effects. */
  parse(input: unknown, capabilities: ProviderCapabilities): Request;
  /** The function that does it, of the driver or its `keys`. */
  functionOf(driver: CompleteDriver<Keys>): (request: Request, call: Call) => Awaitable<Output>;
  /** Makes the result; by default the output is the result. */
  finish?(output: Output, request: Request): Result;
  /** The secret fields of the request: wiped when the work has settled. */
  readonly requestSecrets?: readonly (keyof Request & string)[];
  /** The secret fields of the output: wiped if the caller does not get them. */
  readonly outputSecrets?: readonly (keyof Output & string)[];
}

type DriverOperation<Name extends FunctionName, Result> = Operation<
  object,
  RequestOf<Name>,
  OutputOf<Name>,
  Result
>;

// A result has no key version if the backend does not know it. Field by field: a spread takes as long as
// all of the checks.

export const ENCRYPT: DriverOperation<'encrypt', EncryptResult> = ownFields({
  name: 'encrypt',
  parse: input.parseEncryptInput,
  functionOf: (driver) => driver.encrypt,
  finish({ ciphertext: bytes, keyId, keyVersion }, { algorithm }) {
    const ciphertext = ownBytes(bytes);
    return keyVersion === undefined
      ? { ciphertext, keyId, algorithm }
      : { ciphertext, keyId, algorithm, keyVersion };
  },
  requestSecrets: ['plaintext'],
});

export const DECRYPT: DriverOperation<'decrypt', DecryptResult> = ownFields({
  name: 'decrypt',
  parse: input.parseDecryptInput,
  functionOf: (driver) => driver.decrypt,
  finish: ({ plaintext, keyId, keyVersion }, { algorithm }) =>
    new DecryptResult({ plaintext, keyId, keyVersion, algorithm }),
  outputSecrets: ['plaintext'],
});

export const DECRYPT_ASYMMETRIC: typeof DECRYPT = ownFields({
  ...DECRYPT,
  name: 'decryptAsymmetric',
  parse: input.parseDecryptAsymmetricInput,
});

export const RE_ENCRYPT: DriverOperation<'reEncrypt', ReEncryptResult> = ownFields({
  name: 'reEncrypt',
  parse: input.parseReEncryptInput,
  functionOf: (driver) => driver.reEncrypt,
  finish(output, { source, destination }) {
    const { sourceKeyVersion, destinationKeyVersion } = output;
    const result: { -readonly [Name in keyof ReEncryptResult]: ReEncryptResult[Name] } = {
      ciphertext: ownBytes(output.ciphertext),
      sourceKeyId: output.sourceKeyId,
      destinationKeyId: output.destinationKeyId,
      sourceAlgorithm: source.algorithm,
      destinationAlgorithm: destination.algorithm,
    };
    if (sourceKeyVersion !== undefined) result.sourceKeyVersion = sourceKeyVersion;
    if (destinationKeyVersion !== undefined) result.destinationKeyVersion = destinationKeyVersion;
    return result;
  },
});

export const GENERATE_DATA_KEY: DriverOperation<'generateDataKey', DataKey> = ownFields({
  name: 'generateDataKey',
  parse: input.parseDataKeyInput,
  functionOf: (driver) => driver.generateDataKey,
  finish: (output) => new DataKey(output),
  outputSecrets: ['plaintext'],
});

export const GENERATE_WRAPPED_DATA_KEY: DriverOperation<
  'generateDataKeyWithoutPlaintext',
  WrappedDataKey
> = ownFields({
  name: 'generateDataKeyWithoutPlaintext',
  parse: input.parseDataKeyInput,
  functionOf: (driver) => driver.generateDataKeyWithoutPlaintext,
  finish({ ciphertext, keyId, keyVersion }) {
    const result = { ciphertext: ownBytes(ciphertext), keyId };
    return keyVersion === undefined ? result : { ...result, keyVersion };
  },
});

export const GENERATE_DATA_KEY_PAIR: DriverOperation<'generateDataKeyPair', DataKeyPair> =
  ownFields({
    name: 'generateDataKeyPair',
    parse: input.parseDataKeyPairInput,
    functionOf: (driver) => driver.generateDataKeyPair,
    finish: (output, { keyPairSpec }) => new DataKeyPair({ ...output, keyPairSpec }),
    outputSecrets: ['privateKey'],
  });

export const GENERATE_WRAPPED_DATA_KEY_PAIR: DriverOperation<
  'generateDataKeyPairWithoutPlaintext',
  WrappedDataKeyPair
> = ownFields({
  name: 'generateDataKeyPairWithoutPlaintext',
  parse: input.parseDataKeyPairInput,
  functionOf: (driver) => driver.generateDataKeyPairWithoutPlaintext,
  finish({ publicKey, privateKeyCiphertext, keyId, keyVersion }, { keyPairSpec }) {
    const result = {
      publicKey: ownBytes(publicKey),
      privateKeyCiphertext: ownBytes(privateKeyCiphertext),
      keyId,
      keyPairSpec,
    };
    return keyVersion === undefined ? result : { ...result, keyVersion };
  },
});

export const GET_PUBLIC_KEY: DriverOperation<'getPublicKey', PublicKeyResult> = ownFields({
  name: 'getPublicKey',
  parse: input.parsePublicKeyInput,
  functionOf: (driver) => driver.getPublicKey,
  finish: (output) => ({ ...output, publicKey: ownBytes(output.publicKey) }),
});

export const DESCRIBE_KEY: DriverOperation<'describeKey', KeyDescription> = ownFields({
  name: 'describeKey',
  parse: input.parseKeyInput,
  functionOf: (driver) => driver.describeKey,
});
