import {
  AbstractKeyWrapProvider,
  type CallContext,
  DATA_KEY_PAIR_SPECS,
  type DataKeyPairOutput,
  type DecryptOutput,
  type LegacyDecryptRequest as DecryptRequest,
  ENCRYPTION_ALGORITHMS,
  type EncryptOutput,
  type LegacyEncryptRequest as EncryptRequest,
  type GenerateDataKeyOutput,
  type GenerateDataKeyPairRequest,
  type GenerateDataKeyRequest,
  type KeyDescription,
  type KeyWrapError,
  ownFields,
  type ProviderCapabilities,
  type PublicKeyResult,
  type ReEncryptOutput,
  type LegacyReEncryptRequest as ReEncryptRequest,
  type WrappedDataKeyPairOutput,
} from '@keywrap/core';
import { complete, toKeyDescription, toPublicKeyResult } from './answers.js';
import { KmsClients } from './clients.js';
import { toKeyWrapError } from './errors.js';
import {
  toDataKeyInput,
  toDataKeyPairInput,
  toDecryptInput,
  toEncryptInput,
  toGrantTokens,
  toReEncryptInput,
} from './inputs.js';
import { type KmsKeyWrapProviderOptions, readOptions } from './options.js';
import { regionOf, regionOfBoth } from './region.js';

const CAPABILITIES: ProviderCapabilities = Object.freeze({
  algorithms: ENCRYPTION_ALGORITHMS,
  encryptionContext: true,
  keyIdFromCiphertext: true,
  dataKeys: true,
  dataKeyPairSpecs: DATA_KEY_PAIR_SPECS,
});

/**
 * Wraps data keys under the keys of AWS KMS, through `@aws-sdk/client-kms`.
 *
 * A key or alias that is named by its ARN is used in the ARN's region, every other in the region of
 * the options, or else the SDK's default. The SDK is loaded with the first call; retries and timeouts
 * are the SDK's.
 *
 * @example
 * ```ts
 * import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
 *
 * const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
 * using dataKey = await keys.generateDataKey({
 *   keyId: 'alias/orders',
 *   keySpec: 'AES_256',
 *   encryptionContext: { order: '7' },
 * });
 * ```
 */
export class KmsKeyWrapProvider extends AbstractKeyWrapProvider {
  override readonly id = 'aws-kms';
  override readonly capabilities = CAPABILITIES;

  // Private, so that nothing that prints the provider prints credentials or grant tokens.
  readonly #clients: KmsClients;
  readonly #grantTokens: readonly string[];

  /**
   * Connects to nothing yet.
   *
   * @throws {@link InvalidInputError} when an option is wrong, or not known.
   */
  constructor(options: KmsKeyWrapProviderOptions = {}) {
    super();
    const { config, client, grantTokens } = readOptions(options);
    this.#clients = new KmsClients(config, client);
    this.#grantTokens = grantTokens;
  }

  protected override async doEncrypt(
    request: EncryptRequest,
    call: CallContext,
  ): Promise<EncryptOutput> {
    const { sdk, client } = await this.#clients.for(regionOf(request.keyId));
    const command = new sdk.EncryptCommand(this.#input(toEncryptInput(request), call));
    const answer = complete(await client.send(command, optionsOf(call)));
    return { ciphertext: answer.CiphertextBlob, keyId: answer.KeyId };
  }

  protected override async doDecrypt(
    request: DecryptRequest,
    call: CallContext,
  ): Promise<DecryptOutput> {
    const { sdk, client } = await this.#clients.for(regionOf(request.keyId));
    const command = new sdk.DecryptCommand(this.#input(toDecryptInput(request), call));
    const answer = complete(await client.send(command, optionsOf(call)));
    return { plaintext: answer.Plaintext, keyId: answer.KeyId };
  }

  protected override async doReEncrypt(
    request: ReEncryptRequest,
    call: CallContext,
  ): Promise<ReEncryptOutput> {
    const { sdk, client } = await this.#clients.for(regionOfBoth(request));
    const command = new sdk.ReEncryptCommand(this.#input(toReEncryptInput(request), call));
    const answer = complete(await client.send(command, optionsOf(call)));
    return {
      ciphertext: answer.CiphertextBlob,
      sourceKeyId: answer.SourceKeyId,
      destinationKeyId: answer.KeyId,
    };
  }

  protected override async doGenerateDataKey(
    request: GenerateDataKeyRequest,
    call: CallContext,
  ): Promise<GenerateDataKeyOutput> {
    const { sdk, client } = await this.#clients.for(regionOf(request.keyId));
    const command = new sdk.GenerateDataKeyCommand(this.#input(toDataKeyInput(request), call));
    const answer = complete(await client.send(command, optionsOf(call)));
    return {
      plaintext: answer.Plaintext,
      ciphertext: answer.CiphertextBlob,
      keyId: answer.KeyId,
    };
  }

  protected override async doGenerateDataKeyWithoutPlaintext(
    request: GenerateDataKeyRequest,
    call: CallContext,
  ): Promise<EncryptOutput> {
    const { sdk, client } = await this.#clients.for(regionOf(request.keyId));
    const command = new sdk.GenerateDataKeyWithoutPlaintextCommand(
      this.#input(toDataKeyInput(request), call),
    );
    const answer = complete(await client.send(command, optionsOf(call)));
    return { ciphertext: answer.CiphertextBlob, keyId: answer.KeyId };
  }

  protected override async doGenerateDataKeyPair(
    request: GenerateDataKeyPairRequest,
    call: CallContext,
  ): Promise<DataKeyPairOutput> {
    const { sdk, client } = await this.#clients.for(regionOf(request.keyId));
    const command = new sdk.GenerateDataKeyPairCommand(
      this.#input(toDataKeyPairInput(request), call),
    );
    const answer = complete(await client.send(command, optionsOf(call)));
    return {
      publicKey: answer.PublicKey,
      privateKey: answer.PrivateKeyPlaintext,
      privateKeyCiphertext: answer.PrivateKeyCiphertextBlob,
      keyId: answer.KeyId,
    };
  }

  protected override async doGenerateDataKeyPairWithoutPlaintext(
    request: GenerateDataKeyPairRequest,
    call: CallContext,
  ): Promise<WrappedDataKeyPairOutput> {
    const { sdk, client } = await this.#clients.for(regionOf(request.keyId));
    const command = new sdk.GenerateDataKeyPairWithoutPlaintextCommand(
      this.#input(toDataKeyPairInput(request), call),
    );
    const answer = complete(await client.send(command, optionsOf(call)));
    return {
      publicKey: answer.PublicKey,
      privateKeyCiphertext: answer.PrivateKeyCiphertextBlob,
      keyId: answer.KeyId,
    };
  }

  protected override async doGetPublicKey(
    keyId: string,
    call: CallContext,
  ): Promise<PublicKeyResult> {
    const { sdk, client } = await this.#clients.for(regionOf(keyId));
    const command = new sdk.GetPublicKeyCommand(this.#input({ KeyId: keyId }, call));
    return toPublicKeyResult(await client.send(command, optionsOf(call)));
  }

  protected override async doDescribeKey(
    keyId: string,
    call: CallContext,
  ): Promise<KeyDescription> {
    const { sdk, client } = await this.#clients.for(regionOf(keyId));
    const command = new sdk.DescribeKeyCommand(this.#input({ KeyId: keyId }, call));
    const { KeyMetadata } = await client.send(command, optionsOf(call));
    return toKeyDescription(KeyMetadata);
  }

  protected override async doClose(): Promise<void> {
    this.#clients.destroy();
  }

  protected override mapError(error: unknown): KeyWrapError {
    return toKeyWrapError(error);
  }

  /** The SDK writes every member of an operation that it finds, also one that is inherited. */
  #input<Input extends object>(input: Input, { grantTokens }: CallContext) {
    return ownFields({ ...input, ...toGrantTokens(this.#grantTokens, grantTokens) });
  }
}

function optionsOf({ signal }: CallContext): { abortSignal?: AbortSignal } {
  return ownFields(signal === undefined ? {} : { abortSignal: signal });
}
