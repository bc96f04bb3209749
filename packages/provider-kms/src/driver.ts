import type {
  $Command,
  GenerateDataKeyCommandOutput,
  GenerateDataKeyPairWithoutPlaintextCommandOutput,
  KMSClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-kms';
import {
  type Call,
  DATA_KEY_PAIR_SPECS,
  type EncryptOutput,
  failureOf,
  isKeyWrapError,
  type KeyName,
  type KeyWrapDriver,
  ownField,
  ownFields,
  type ProviderCapabilities,
  type WrappedDataKeyPairOutput,
} from '@keywrap/core';
import { KmsClients, type Sdk, SdkNotLoadedError } from './clients.js';
import { credentialsFailure } from './credentials.js';
import { toKeyWrapError } from './errors.js';
import { guard } from './guards.js';
import {
  toDataKeyInput,
  toDataKeyPairInput,
  toDecryptInput,
  toEncryptInput,
  toGrantTokens,
  toReEncryptInput,
} from './inputs.js';
import type { ReadOptions } from './options.js';
import { regionOf, regionOfBoth } from './region.js';
import { answered, required, toKeyDescription, toPublicKeyOutput } from './responses.js';

const CAPABILITIES = Object.freeze<ProviderCapabilities>({
  algorithms: ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  encryptionContext: true,
  keyIdFromCiphertext: true,
  dataKeys: true,
  dataKeyPairSpecs: DATA_KEY_PAIR_SPECS,
});

/** The class of an SDK command. */
type CommandClass<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = new (
  input: Input,
) => $Command<Input, Output, KMSClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>;

/**
 * Calls AWS KMS; every function is one request: [operations](https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html).
 *
 * @param load Loads the AWS SDK.
 */
export function kmsDriver(
  { config, client, requestTimeout, grantTokens }: ReadOptions,
  load?: () => Promise<Sdk>,
): KeyWrapDriver {
  const clients = new KmsClients(config, client, load);

  /** @param commandIn Picks the command; the SDK is loaded by then. */
  async function send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    region: string | undefined,
    commandIn: (sdk: Sdk) => CommandClass<Input, Output>,
    input: Input,
    call: Call,
  ): Promise<Output> {
    return clients.use(region, async ({ sdk, client }) => {
      const Command = commandIn(sdk);
      if (typeof Command !== 'function') {
        throw new SdkNotLoadedError('@aws-sdk/client-kms lacks a command: install it again');
      }
      // The SDK serialises every member that it finds, inherited ones too.
      const whole = ownFields({ ...input, ...toGrantTokens(grantTokens, call.grantTokens) });
      const options = ownFields({ ...(call.signal && { abortSignal: call.signal }) });
      const command = new Command(whole);
      guard(command, requestTimeout);
      try {
        return await client.send(command, options);
      } catch (error) {
        if (isExplained(error)) throw error;
        throw (await credentialsFailure(client, error)) ?? error;
      }
    });
  }

  return {
    id: 'aws-kms',
    capabilities: CAPABILITIES,

    async encrypt(request, call) {
      const input = toEncryptInput(request);
      const response = await send(regionOf(request.key), (sdk) => sdk.EncryptCommand, input, call);
      const { CiphertextBlob, KeyId } = required(response, 'CiphertextBlob', 'KeyId');
      return { ciphertext: CiphertextBlob, keyId: answered(KeyId, request.key) };
    },

    async decrypt(request, call) {
      const input = toDecryptInput(request);
      const response = await send(regionOf(request.key), (sdk) => sdk.DecryptCommand, input, call);
      const { Plaintext, KeyId } = required(response, 'Plaintext', 'KeyId');
      return {
        plaintext: Plaintext,
        keyId: answered(KeyId, request.key),
        keyVersion: ownField(response, 'KeyMaterialId'),
      };
    },

    async reEncrypt(request, call) {
      const input = toReEncryptInput(request);
      const region = regionOfBoth(request);
      const response = await send(region, (sdk) => sdk.ReEncryptCommand, input, call);
      const { CiphertextBlob, SourceKeyId, KeyId } = required(
        response,
        'CiphertextBlob',
        'SourceKeyId',
        'KeyId',
      );
      return {
        ciphertext: CiphertextBlob,
        sourceKeyId: answered(SourceKeyId, request.source.key),
        sourceKeyVersion: ownField(response, 'SourceKeyMaterialId'),
        destinationKeyId: answered(KeyId, request.destination.key),
        destinationKeyVersion: ownField(response, 'DestinationKeyMaterialId'),
      };
    },

    async generateDataKey(request, call) {
      const input = toDataKeyInput(request);
      const region = regionOf(request.key);
      const response = await send(region, (sdk) => sdk.GenerateDataKeyCommand, input, call);
      const { Plaintext } = required(response, 'Plaintext');
      return { plaintext: Plaintext, ...wrapped(response, request.key) };
    },

    async generateDataKeyWithoutPlaintext(request, call) {
      const input = toDataKeyInput(request);
      const region = regionOf(request.key);
      return wrapped(
        await send(region, (sdk) => sdk.GenerateDataKeyWithoutPlaintextCommand, input, call),
        request.key,
      );
    },

    async generateDataKeyPair(request, call) {
      const input = toDataKeyPairInput(request);
      const region = regionOf(request.key);
      const response = await send(region, (sdk) => sdk.GenerateDataKeyPairCommand, input, call);
      const { PrivateKeyPlaintext } = required(response, 'PrivateKeyPlaintext');
      return { privateKey: PrivateKeyPlaintext, ...wrappedPair(response, request.key) };
    },

    async generateDataKeyPairWithoutPlaintext(request, call) {
      const input = toDataKeyPairInput(request);
      const region = regionOf(request.key);
      return wrappedPair(
        await send(region, (sdk) => sdk.GenerateDataKeyPairWithoutPlaintextCommand, input, call),
        request.key,
      );
    },

    async getPublicKey({ key }, call) {
      const input = { KeyId: key.text };
      return toPublicKeyOutput(
        await send(regionOf(key), (sdk) => sdk.GetPublicKeyCommand, input, call),
        key,
      );
    },

    async describeKey({ key }, call) {
      const input = { KeyId: key.text };
      const response = await send(regionOf(key), (sdk) => sdk.DescribeKeyCommand, input, call);
      return toKeyDescription(response.KeyMetadata, key);
    },

    mapError: toKeyWrapError,
    close: () => clients.destroy(),
  };
}

/** Tells whether an error says by itself what happened. */
function isExplained(error: unknown): boolean {
  const known = isKeyWrapError(error) ? error : (toKeyWrapError(error) ?? failureOf(error));
  return known !== undefined;
}

type Wrapped = Pick<GenerateDataKeyCommandOutput, 'CiphertextBlob' | 'KeyId' | 'KeyMaterialId'>;

function wrapped(response: Wrapped, key: KeyName): EncryptOutput {
  const { CiphertextBlob, KeyId } = required(response, 'CiphertextBlob', 'KeyId');
  return {
    ciphertext: CiphertextBlob,
    keyId: answered(KeyId, key),
    keyVersion: ownField(response, 'KeyMaterialId'),
  };
}

function wrappedPair(
  response: GenerateDataKeyPairWithoutPlaintextCommandOutput,
  key: KeyName,
): WrappedDataKeyPairOutput {
  const { PublicKey, PrivateKeyCiphertextBlob, KeyId } = required(
    response,
    'PublicKey',
    'PrivateKeyCiphertextBlob',
    'KeyId',
  );
  return {
    publicKey: PublicKey,
    privateKeyCiphertext: PrivateKeyCiphertextBlob,
    keyId: answered(KeyId, key),
    keyVersion: ownField(response, 'KeyMaterialId'),
  };
}
