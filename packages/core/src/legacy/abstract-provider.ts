import type {
  DataKeyPairOutput,
  DecryptOutput,
  EncryptOutput,
  ReEncryptOutput,
  WrappedDataKeyPairOutput,
} from '../driver/requests.js';
import { copyBytes, isUint8Array, newSecret, wipe } from '../provider/bytes.js';
import {
  AbortError,
  InvalidInputError,
  KeyWrapError,
  ProviderClosedError,
  ProviderUnavailableError,
  UnsupportedOperationError,
  withCallDetails,
} from '../provider/errors.js';
import { isAsymmetricAlgorithm, LIMITS, maximumPlaintextLength } from '../provider/key-spec.js';
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
import { readSafely } from '../provider/read-fields.js';
import { DataKey, DataKeyPair, DecryptResult } from '../provider/secrets.js';
import { untilAborted } from '../runtime/until-aborted.js';
import {
  checkBytes,
  checkCiphertext,
  checkDataKey,
  checkDecrypted,
  checkKeyArn,
  checkPair,
  checkPrivateKey,
  ownDetails,
} from './check-output.js';
import {
  readDecryptAsymmetricInput,
  readDecryptInput,
  readEncryptInput,
  readGenerateDataKeyInput,
  readGenerateDataKeyPairInput,
  readKeyInput,
  readReEncryptInput,
} from './read-input.js';
import { readCallOptions } from './read-options.js';
import type {
  CallContext,
  GenerateDataKeyOutput,
  GenerateDataKeyPairRequest,
  GenerateDataKeyRequest,
  LegacyDecryptRequest,
  LegacyEncryptRequest,
  LegacyReEncryptRequest,
} from './requests.js';

/**
 * What every provider has in common, once: it checks and copies input, refuses what the provider does
 * not declare, honours abort and close, gives each error its call's details, checks and owns results,
 * and wipes what it copied. A provider extends it with the hooks, each of which does one thing that
 * only the backend can do.
 *
 * `doEncrypt`, `doDecrypt` and `doDescribeKey` are enough; the other hooks have a default made of
 * these, or refuse.
 *
 * @example
 * ```ts
 * import {
 *   AbstractKeyWrapProvider,
 *   type DecryptOutput,
 *   type LegacyDecryptRequest,
 *   type EncryptOutput,
 *   type LegacyEncryptRequest,
 *   type KeyDescription,
 * } from '@keywrap/core';
 *
 * abstract class MyProvider extends AbstractKeyWrapProvider {
 *   readonly id = 'my-hsm';
 *   readonly capabilities = {
 *     algorithms: ['SYMMETRIC_DEFAULT'],
 *     encryptionContext: true,
 *     keyIdFromCiphertext: true,
 *     dataKeys: true,
 *     dataKeyPairSpecs: [],
 *   } as const;
 *   protected abstract override doEncrypt(request: LegacyEncryptRequest): Promise<EncryptOutput>;
 *   protected abstract override doDecrypt(request: LegacyDecryptRequest): Promise<DecryptOutput>;
 *   protected abstract override doDescribeKey(keyId: string): Promise<KeyDescription>;
 * }
 * ```
 */
export abstract class AbstractKeyWrapProvider implements KeyWrapProvider {
  abstract readonly id: string;
  abstract readonly capabilities: ProviderCapabilities;

  #closing: Promise<void> | undefined;
  #underWay = 0;
  #onIdle: (() => void) | undefined;

  /** Encrypts under either kind of key. */
  protected abstract doEncrypt(
    request: LegacyEncryptRequest,
    call: CallContext,
  ): Promise<EncryptOutput>;

  /** Decrypts under either kind of key; `keyId` is undefined when the ciphertext is to name its key. */
  protected abstract doDecrypt(
    request: LegacyDecryptRequest,
    call: CallContext,
  ): Promise<DecryptOutput>;

  /** Looks a key up, in any of the four forms and in any state. */
  protected abstract doDescribeKey(keyId: string, call: CallContext): Promise<KeyDescription>;

  /** By default decrypts and encrypts here, and wipes the plaintext. Override where the backend can do it inside. */
  protected async doReEncrypt(
    request: LegacyReEncryptRequest,
    call: CallContext,
  ): Promise<ReEncryptOutput> {
    const { ciphertext, source, destination } = request;
    // Field by field, here and wherever each call passes: a spread takes as long as all of the checks.
    const opened = await this.doDecrypt(
      {
        keyId: source.keyId,
        algorithm: source.algorithm,
        encryptionContext: source.encryptionContext,
        ciphertext,
      },
      call,
    );
    try {
      const maximum = maximumPlaintextLength(destination.algorithm);
      if (opened.plaintext.length === 0 || opened.plaintext.length > maximum) {
        throw new InvalidInputError(
          'ciphertext',
          `holds more or less plaintext than ${destination.algorithm} can encrypt: 1 to ${maximum} bytes`,
        );
      }
      const { keyId, algorithm, encryptionContext } = destination;
      const sealed = await this.doEncrypt(
        { keyId, algorithm, encryptionContext, plaintext: opened.plaintext },
        call,
      );
      return {
        ciphertext: sealed.ciphertext,
        sourceKeyId: opened.keyId,
        destinationKeyId: sealed.keyId,
      };
    } finally {
      wipe(opened.plaintext);
    }
  }

  /** By default draws the data key here, from the platform's `crypto.getRandomValues`, and encrypts it. */
  protected async doGenerateDataKey(
    request: GenerateDataKeyRequest,
    call: CallContext,
  ): Promise<GenerateDataKeyOutput> {
    const { keyId, encryptionContext, numberOfBytes } = request;
    const plaintext = crypto.getRandomValues(newSecret(numberOfBytes));
    try {
      const algorithm = 'SYMMETRIC_DEFAULT';
      const sealed = await this.doEncrypt({ keyId, algorithm, encryptionContext, plaintext }, call);
      return { plaintext, ciphertext: sealed.ciphertext, keyId: sealed.keyId };
    } catch (error) {
      wipe(plaintext);
      throw error;
    }
  }

  /** By default generates the data key and wipes its plaintext. */
  protected async doGenerateDataKeyWithoutPlaintext(
    request: GenerateDataKeyRequest,
    call: CallContext,
  ): Promise<EncryptOutput> {
    const { plaintext, ciphertext, keyId } = await this.doGenerateDataKey(request, call);
    wipe(plaintext);
    return { ciphertext, keyId };
  }

  /** Needed by a provider that declares `dataKeyPairSpecs`. */
  protected async doGenerateDataKeyPair(
    _request: GenerateDataKeyPairRequest,
    _call: CallContext,
  ): Promise<DataKeyPairOutput> {
    throw new UnsupportedOperationError('this provider does not generate data key pairs');
  }

  /** By default generates the pair and wipes its private key. */
  protected async doGenerateDataKeyPairWithoutPlaintext(
    request: GenerateDataKeyPairRequest,
    call: CallContext,
  ): Promise<WrappedDataKeyPairOutput> {
    const { privateKey, ...wrapped } = await this.doGenerateDataKeyPair(request, call);
    wipe(privateKey);
    return wrapped;
  }

  /** Needed by a provider that declares an asymmetric algorithm. */
  protected async doGetPublicKey(_keyId: string, _call: CallContext): Promise<PublicKeyResult> {
    throw new UnsupportedOperationError('this provider has no asymmetric keys');
  }

  /** Lets go of what the provider holds. Called once, when no call is under way any more. */
  protected async doClose(): Promise<void> {}

  /**
   * Turns what a hook threw, and is not a {@link KeyWrapError}, into one. By default the backend counts
   * as unavailable.
   */
  protected mapError(error: unknown): KeyWrapError {
    return new ProviderUnavailableError('the provider failed; see the cause', { cause: error });
  }

  encrypt(input: EncryptInput, options?: CallOptions): Promise<EncryptResult> {
    return this.run('encrypt', input, options, {
      read: readEncryptInput,
      work: (request, call) => this.doEncrypt(request, call),
      finish: (output, request) => {
        const { ciphertext, keyId } = checkCiphertext(output, request);
        return { ciphertext, keyId, algorithm: request.algorithm };
      },
    });
  }

  decrypt(input: DecryptInput, options?: CallOptions): Promise<DecryptResult> {
    return this.run('decrypt', input, options, this.#decryption(readDecryptInput));
  }

  decryptAsymmetric(input: DecryptAsymmetricInput, options?: CallOptions): Promise<DecryptResult> {
    const decryption = this.#decryption(readDecryptAsymmetricInput);
    return this.run('decryptAsymmetric', input, options, decryption);
  }

  reEncrypt(input: ReEncryptInput, options?: CallOptions): Promise<ReEncryptResult> {
    return this.run('reEncrypt', input, options, {
      read: readReEncryptInput,
      work: (request, call) => this.doReEncrypt(request, call),
      finish: (output, { source, destination }) => ({
        ciphertext: checkBytes(output.ciphertext, LIMITS.ciphertext, 'ciphertext'),
        sourceKeyId: checkKeyArn(output.sourceKeyId, source.keyId),
        sourceAlgorithm: source.algorithm,
        destinationKeyId: checkKeyArn(output.destinationKeyId, destination.keyId),
        destinationAlgorithm: destination.algorithm,
      }),
    });
  }

  generateDataKey(input: GenerateDataKeyInput, options?: CallOptions): Promise<DataKey> {
    return this.run('generateDataKey', input, options, {
      read: readGenerateDataKeyInput,
      work: (request, call) => this.doGenerateDataKey(request, call),
      finish: (output, request) => new DataKey(checkDataKey(output, request)),
    });
  }

  generateDataKeyWithoutPlaintext(
    input: GenerateDataKeyInput,
    options?: CallOptions,
  ): Promise<WrappedDataKey> {
    return this.run('generateDataKeyWithoutPlaintext', input, options, {
      read: readGenerateDataKeyInput,
      work: (request, call) => this.doGenerateDataKeyWithoutPlaintext(request, call),
      finish: checkCiphertext,
    });
  }

  generateDataKeyPair(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<DataKeyPair> {
    return this.run('generateDataKeyPair', input, options, {
      read: readGenerateDataKeyPairInput,
      work: (request, call) => this.doGenerateDataKeyPair(request, call),
      finish: (output, request) =>
        new DataKeyPair({
          ...checkPair(output, request),
          keyPairSpec: request.keyPairSpec,
          privateKey: checkPrivateKey(output),
        }),
    });
  }

  generateDataKeyPairWithoutPlaintext(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<WrappedDataKeyPair> {
    return this.run('generateDataKeyPairWithoutPlaintext', input, options, {
      read: readGenerateDataKeyPairInput,
      work: (request, call) => this.doGenerateDataKeyPairWithoutPlaintext(request, call),
      finish: (output, request) => ({
        ...checkPair(output, request),
        keyPairSpec: request.keyPairSpec,
      }),
    });
  }

  getPublicKey(input: KeyInput, options?: CallOptions): Promise<PublicKeyResult> {
    return this.run('getPublicKey', input, options, {
      read: (value: unknown, { algorithms }) => {
        if (algorithms.some(isAsymmetricAlgorithm)) return readKeyInput(value);
        throw new UnsupportedOperationError('this provider has no asymmetric keys');
      },
      work: ({ keyId }, call) => this.doGetPublicKey(keyId, call),
      finish: (output, { keyId }) => ({
        ...ownDetails(output),
        keyId: checkKeyArn(output.keyId, keyId),
        // A copy in any case: a provider may well keep its public keys.
        publicKey: copyBytes(checkBytes(output.publicKey, LIMITS.publicKey, 'public key')),
      }),
    });
  }

  describeKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.run('describeKey', input, options, {
      read: readKeyInput,
      work: ({ keyId }, call) => this.doDescribeKey(keyId, call),
      finish: (output, { keyId }) => ({
        ...ownDetails(output),
        keyId: checkKeyArn(output.keyId, keyId),
      }),
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #decryption(
    read: (input: unknown, capabilities: ProviderCapabilities) => LegacyDecryptRequest,
  ): LegacyOperation<LegacyDecryptRequest, DecryptOutput, DecryptResult> {
    return {
      read,
      work: (request, call) => this.doDecrypt(request, call),
      finish: (output, request) => {
        const { plaintext, keyId } = checkDecrypted(output, request);
        return new DecryptResult({ plaintext, keyId, algorithm: request.algorithm });
      },
    };
  }

  /**
   * Runs an operation by the rules that hold for all of them. For the operations that a provider adds
   * of its own, for example those of `KeyManager`.
   *
   * @param name What errors call the operation.
   */
  protected run<Request extends object, Output extends object, Result>(
    name: string,
    input: unknown,
    options: CallOptions | undefined,
    { read, work, finish }: LegacyOperation<Request, Output, Result>,
  ): Promise<Result> {
    let request: Request | undefined;
    let call: CallContext | undefined;
    try {
      if (this.#closing !== undefined) throw new ProviderClosedError('this provider was closed');
      call = readSafely(name, 'options', () => readCallOptions(options));
      if (call.signal?.aborted) throw new AbortError('the call was aborted');
      request = readSafely(name, 'input', () => read(input, this.capabilities));
    } catch (error) {
      return Promise.reject(this.#explain(error, name, request, call?.signal));
    }
    const result = this.#perform(name, request, call, work, finish);
    const { signal } = call;
    if (signal === undefined) return result;
    return untilAborted(result, signal).catch((error: unknown) => {
      throw this.#explain(error, name, request, signal);
    });
  }

  /** Does the work and cleans up after it, also when the caller has stopped waiting. */
  async #perform<Request extends object, Output extends object, Result>(
    name: string,
    request: Request,
    call: CallContext,
    work: LegacyOperation<Request, Output, Result>['work'],
    finish: LegacyOperation<Request, Output, Result>['finish'],
  ): Promise<Result> {
    this.#underWay++;
    let output: Output | undefined;
    try {
      output = await work(request, call);
      if (call.signal?.aborted) throw new AbortError('the call was aborted');
      return finish(output, request);
    } catch (error) {
      wipeSecrets(output ?? {});
      throw this.#explain(error, name, request, call.signal);
    } finally {
      wipeSecrets(request);
      if (--this.#underWay === 0) this.#onIdle?.();
    }
  }

  #explain(
    error: unknown,
    operation: string,
    request: object | undefined,
    signal: AbortSignal | undefined,
  ): KeyWrapError {
    if (signal?.aborted) {
      const cause = signal.reason;
      return withCallDetails(new AbortError('the call was aborted', { cause }), operation, request);
    }
    const known = error instanceof KeyWrapError ? error : this.mapError(error);
    return withCallDetails(inTermsOf(operation, known), operation, request);
  }

  async #shutDown(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#underWay === 0) resolve();
      else this.#onIdle = resolve;
    });
    try {
      await this.doClose();
    } catch (error) {
      throw this.#explain(error, 'close', undefined, undefined);
    }
  }
}

/** The three steps of an operation, see {@link AbstractKeyWrapProvider.run}. */
export interface LegacyOperation<Request, Output, Result> {
  /** Checks and copies the input, at once and without side effects. */
  readonly read: (input: unknown, capabilities: ProviderCapabilities) => Request;
  /** Does it. `plaintext` and `privateKey` of the request are wiped when this has settled. */
  readonly work: (request: Request, call: CallContext) => Promise<Output>;
  /** Checks the output and makes the result of it. */
  readonly finish: (output: Output, request: Request) => Result;
}

/** The plaintext of a reEncrypt is none of its inputs: what is wrong with it is wrong with the ciphertext. */
function inTermsOf(operation: string, error: KeyWrapError): KeyWrapError {
  const isForeign = error instanceof InvalidInputError && error.field === 'plaintext';
  if (operation !== 'reEncrypt' || !isForeign) return error;
  return new InvalidInputError(
    'ciphertext',
    `does not fit the destination: ${error.message}`,
    error,
  );
}

function wipeSecrets(holder: { readonly plaintext?: unknown; readonly privateKey?: unknown }) {
  const { plaintext, privateKey } = holder;
  if (isUint8Array(plaintext)) wipe(plaintext);
  if (isUint8Array(privateKey)) wipe(privateKey);
}
