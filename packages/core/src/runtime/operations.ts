import type { CompleteDriver } from '../driver/driver.js';
import type {
  Awaitable,
  Call,
  DataKeyOutput,
  DataKeyPairOutput,
  DataKeyPairRequest,
  DataKeyRequest,
  DecryptOutput,
  DecryptRequest,
  EncryptOutput,
  EncryptRequest,
  KeyRequest,
  ReEncryptOutput,
  ReEncryptRequest,
  WrappedDataKeyPairOutput,
} from '../driver/requests.js';
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

/** An operation of a provider, from what the caller passes to what it gets. */
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

type ProviderOperation<Request extends object, Output, Result = Output> = Operation<
  object,
  Request,
  Output,
  Result
>;

export const ENCRYPT: ProviderOperation<EncryptRequest, EncryptOutput, EncryptResult> = {
  name: 'encrypt',
  parse: parseEncryptInput,
  work: (driver, request, call) => driver.encrypt(request, call),
  finish: ({ ciphertext, keyId, keyVersion }, { algorithm }) => ({
    ciphertext,
    keyId,
    ...versioned({ keyVersion }),
    algorithm,
  }),
  requestSecrets: ['plaintext'],
};

export const DECRYPT: ProviderOperation<DecryptRequest, DecryptOutput, DecryptResult> = {
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

export const RE_ENCRYPT: ProviderOperation<ReEncryptRequest, ReEncryptOutput, ReEncryptResult> = {
  name: 'reEncrypt',
  parse: parseReEncryptInput,
  work: (driver, request, call) => driver.reEncrypt(request, call),
  finish: (output, { source, destination }) => ({
    ciphertext: output.ciphertext,
    sourceKeyId: output.sourceKeyId,
    ...versioned({ sourceKeyVersion: output.sourceKeyVersion }),
    sourceAlgorithm: source.algorithm,
    destinationKeyId: output.destinationKeyId,
    ...versioned({ destinationKeyVersion: output.destinationKeyVersion }),
    destinationAlgorithm: destination.algorithm,
  }),
};

export const GENERATE_DATA_KEY: ProviderOperation<DataKeyRequest, DataKeyOutput, DataKey> = {
  name: 'generateDataKey',
  parse: parseDataKeyInput,
  work: (driver, request, call) => driver.generateDataKey(request, call),
  finish: (output) => new DataKey(output),
  outputSecrets: ['plaintext'],
};

export const GENERATE_WRAPPED_DATA_KEY: ProviderOperation<
  DataKeyRequest,
  EncryptOutput,
  WrappedDataKey
> = {
  name: 'generateDataKeyWithoutPlaintext',
  parse: parseDataKeyInput,
  work: (driver, request, call) => driver.generateDataKeyWithoutPlaintext(request, call),
  finish: ({ ciphertext, keyId, keyVersion }) => ({
    ciphertext,
    keyId,
    ...versioned({ keyVersion }),
  }),
};

export const GENERATE_DATA_KEY_PAIR: ProviderOperation<
  DataKeyPairRequest,
  DataKeyPairOutput,
  DataKeyPair
> = {
  name: 'generateDataKeyPair',
  parse: parseDataKeyPairInput,
  work: (driver, request, call) => driver.generateDataKeyPair(request, call),
  finish: (output, { keyPairSpec }) => new DataKeyPair({ ...output, keyPairSpec }),
  outputSecrets: ['privateKey'],
};

export const GENERATE_WRAPPED_DATA_KEY_PAIR: ProviderOperation<
  DataKeyPairRequest,
  WrappedDataKeyPairOutput,
  WrappedDataKeyPair
> = {
  name: 'generateDataKeyPairWithoutPlaintext',
  parse: parseDataKeyPairInput,
  work: (driver, request, call) => driver.generateDataKeyPairWithoutPlaintext(request, call),
  finish: ({ publicKey, privateKeyCiphertext, keyId, keyVersion }, { keyPairSpec }) => ({
    publicKey,
    privateKeyCiphertext,
    keyId,
    ...versioned({ keyVersion }),
    keyPairSpec,
  }),
};

export const GET_PUBLIC_KEY: ProviderOperation<KeyRequest, PublicKeyResult> = {
  name: 'getPublicKey',
  parse: parsePublicKeyInput,
  work: (driver, request, call) => driver.getPublicKey(request, call),
};

export const DESCRIBE_KEY: ProviderOperation<KeyRequest, KeyDescription> = {
  name: 'describeKey',
  parse: parseKeyInput,
  work: (driver, request, call) => driver.describeKey(request, call),
};

/** Leaves a version out of a result where the backend does not know it. */
function versioned<Versions extends object>(versions: Versions): Versions | undefined {
  return Object.values(versions)[0] === undefined ? undefined : versions;
}
