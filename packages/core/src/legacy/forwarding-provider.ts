import type {
  CallOptions,
  DecryptAsymmetricInput,
  DecryptInput,
  EncryptInput,
  EncryptResult,
  GenerateDataKeyInput,
  GenerateDataKeyPairInput,
  KeyDescription,
  KeyInput,
  KeyWrapProvider,
  ProviderCapabilities,
  PublicKeyResult,
  ReEncryptInput,
  ReEncryptResult,
  WrappedDataKey,
  WrappedDataKeyPair,
} from '../provider/provider.js';
import type { DataKey, DataKeyPair, DecryptResult } from '../provider/secrets.js';

/** Passes every call on as it is: a decorator overrides those that it is about. */
export abstract class ForwardingProvider implements KeyWrapProvider {
  protected readonly inner: KeyWrapProvider;

  constructor(inner: KeyWrapProvider) {
    this.inner = inner;
  }

  get id(): string {
    return this.inner.id;
  }

  get capabilities(): ProviderCapabilities {
    return this.inner.capabilities;
  }

  encrypt(input: EncryptInput, options?: CallOptions): Promise<EncryptResult> {
    return this.inner.encrypt(input, options);
  }

  decrypt(input: DecryptInput, options?: CallOptions): Promise<DecryptResult> {
    return this.inner.decrypt(input, options);
  }

  decryptAsymmetric(input: DecryptAsymmetricInput, options?: CallOptions): Promise<DecryptResult> {
    return this.inner.decryptAsymmetric(input, options);
  }

  reEncrypt(input: ReEncryptInput, options?: CallOptions): Promise<ReEncryptResult> {
    return this.inner.reEncrypt(input, options);
  }

  generateDataKey(input: GenerateDataKeyInput, options?: CallOptions): Promise<DataKey> {
    return this.inner.generateDataKey(input, options);
  }

  generateDataKeyWithoutPlaintext(
    input: GenerateDataKeyInput,
    options?: CallOptions,
  ): Promise<WrappedDataKey> {
    return this.inner.generateDataKeyWithoutPlaintext(input, options);
  }

  generateDataKeyPair(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<DataKeyPair> {
    return this.inner.generateDataKeyPair(input, options);
  }

  generateDataKeyPairWithoutPlaintext(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<WrappedDataKeyPair> {
    return this.inner.generateDataKeyPairWithoutPlaintext(input, options);
  }

  getPublicKey(input: KeyInput, options?: CallOptions): Promise<PublicKeyResult> {
    return this.inner.getPublicKey(input, options);
  }

  describeKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.inner.describeKey(input, options);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
