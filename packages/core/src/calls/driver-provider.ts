import { abortError, classifyError } from '../driver/classify-error.js';
import { completeDriver, wipeFields } from '../driver/complete-driver.js';
import type { CompleteDriver, KeyWrapDriver } from '../driver/driver.js';
import { isPromise } from '../driver/is-promise.js';
import type { Awaitable, Call } from '../driver/requests.js';
import {
  InvalidCiphertextError,
  type KeyWrapError,
  ProviderClosedError,
  withCallDetails,
} from '../provider/errors.js';
import { ownField, withoutInherited } from '../provider/own-fields.js';
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
import { unreadable } from '../provider/read-fields.js';
import type { DataKey, DataKeyPair, DecryptResult } from '../provider/secrets.js';
import { CallSignal } from './call-signal.js';
import * as operations from './operations.js';
import { parseCall } from './parse-call.js';
import { untilAborted } from './until-aborted.js';

/**
 * Makes a provider from a driver. The provider does what every backend needs, once per call: it checks and copies
 * input, rejects what the driver does not declare, handles abort and close, adds the call's details to errors, and
 * wipes its copies.
 *
 * @example
 * ```ts
 * import { createProvider, type KeyWrapDriver, type KeyWrapProvider } from '@keywrap/core';
 *
 * const open = (driver: KeyWrapDriver): KeyWrapProvider => createProvider(driver);
 * ```
 */
export function createProvider<Keys extends object>(
  driver: KeyWrapDriver<Keys> | CompleteDriver<Keys>,
): DriverProvider<Keys> {
  return new DriverProvider(driver);
}

/**
 * A provider over a driver; see {@link createProvider}. If the backend manages keys, extend it with typed methods
 * that call the functions of the driver's `keys` by {@link run}. A subclass has no fields and no private
 * methods: a layer makes another instance of the class, over a layered driver.
 */
export class DriverProvider<Keys extends object = object> implements KeyWrapProvider {
  // Private, so that printing the provider does not print the driver's contents.
  readonly #driver: CompleteDriver<Keys>;
  #closing: Promise<void> | undefined;

  /** @param driver A driver, complete or not, with or without layers. */
  constructor(driver: KeyWrapDriver<Keys> | CompleteDriver<Keys>) {
    this.#driver = isComplete(driver) ? driver : completeDriver(driver);
    DRIVERS.set(this, this.#driver);
  }

  get id(): string {
    return this.#driver.id;
  }

  get capabilities(): ProviderCapabilities {
    return this.#driver.capabilities;
  }

  encrypt(input: EncryptInput, options?: CallOptions): Promise<EncryptResult> {
    return this.run(operations.ENCRYPT, input, options);
  }

  decrypt(input: DecryptInput, options?: CallOptions): Promise<DecryptResult> {
    return this.run(operations.DECRYPT, input, options);
  }

  decryptAsymmetric(input: DecryptAsymmetricInput, options?: CallOptions): Promise<DecryptResult> {
    return this.run(operations.DECRYPT_ASYMMETRIC, input, options);
  }

  reEncrypt(input: ReEncryptInput, options?: CallOptions): Promise<ReEncryptResult> {
    return this.run(operations.RE_ENCRYPT, input, options);
  }

  generateDataKey(input: GenerateDataKeyInput, options?: CallOptions): Promise<DataKey> {
    return this.run(operations.GENERATE_DATA_KEY, input, options);
  }

  generateDataKeyWithoutPlaintext(
    input: GenerateDataKeyInput,
    options?: CallOptions,
  ): Promise<WrappedDataKey> {
    return this.run(operations.GENERATE_WRAPPED_DATA_KEY, input, options);
  }

  generateDataKeyPair(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<DataKeyPair> {
    return this.run(operations.GENERATE_DATA_KEY_PAIR, input, options);
  }

  generateDataKeyPairWithoutPlaintext(
    input: GenerateDataKeyPairInput,
    options?: CallOptions,
  ): Promise<WrappedDataKeyPair> {
    return this.run(operations.GENERATE_WRAPPED_DATA_KEY_PAIR, input, options);
  }

  getPublicKey(input: KeyInput, options?: CallOptions): Promise<PublicKeyResult> {
    return this.run(operations.GET_PUBLIC_KEY, input, options);
  }

  describeKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.run(operations.DESCRIBE_KEY, input, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Runs an operation by the rules of all operations. Use it for those that a provider adds, for example those of
   * `KeyManager`.
   *
   * @example
   * ```ts
   * import { DriverProvider, type KeyDescription, type KeyRequest, parseKeyInput } from '@keywrap/core';
   *
   * type Keys = { enableKey(request: KeyRequest): Promise<KeyDescription> };
   *
   * class ManagedProvider extends DriverProvider<Keys> {
   *   enableKey(input: { readonly keyId: string }): Promise<KeyDescription> {
   *     return this.run(
   *       {
   *         name: 'enableKey',
   *         parse: parseKeyInput,
   *         functionOf: ({ keys }) => keys.enableKey,
   *       },
   *       input,
   *     );
   *   }
   * }
   * ```
   */
  protected run<Request extends object, Output, Result = Output>(
    given: operations.Operation<Keys, Request, Output, Result>,
    input: unknown,
    options?: CallOptions,
  ): Promise<Result> {
    const operation = withoutInherited(given);
    const { lifetime, capabilities } = this.#driver;
    let reading = 'options';
    let call: Call | undefined;
    let own: CallSignal | undefined;
    let request: Request;
    try {
      if (lifetime.isOver) throw new ProviderClosedError('this provider was closed');
      call = parseCall(options);
      if (call.signal?.aborted) throw abortError(call.signal);
      if (call.signal !== undefined) {
        own = new CallSignal(call.signal);
        call = { ...call, signal: own.signal };
      }
      reading = 'input';
      request = operation.parse(input, capabilities);
    } catch (error) {
      own?.end();
      return this.#reject(operation.name, input, reasonToReject(error, call?.signal, reading));
    }
    lifetime.enter();
    let answer: Awaitable<Output> | undefined;
    try {
      answer = operation.functionOf(this.#driver)(request, call);
      // A synchronous output needs no promise but the caller's.
      if (own === undefined && !isPromise(answer)) {
        const result = finish(operation, request, answer);
        this.#end(operation, request);
        return Promise.resolve(result);
      }
    } catch (error) {
      wipeFields(answer, operation.outputSecrets);
      // As if it had failed later: the stack must not reveal how far the work came.
      answer = Promise.reject(error);
    }
    const result = this.#settle(operation, request, call, answer);
    return own === undefined ? result : endWithSignal(result, own, operation.name, request);
  }

  /** Waits for the answer and cleans up after it, also when the caller has stopped waiting. */
  async #settle<Request extends object, Output, Result>(
    operation: operations.Operation<Keys, Request, Output, Result>,
    request: Request,
    call: Call,
    answer: Awaitable<Output>,
  ): Promise<Result> {
    let output: Output | undefined;
    try {
      output = await answer;
      if (call.signal?.aborted) throw abortError(call.signal);
      return finish(operation, request, output);
    } catch (error) {
      wipeFields(output, operation.outputSecrets);
      throw explain(error, operation.name, request, call.signal);
    } finally {
      this.#end(operation, request);
    }
  }

  #end(operation: { readonly requestSecrets?: readonly string[] }, request: object): void {
    wipeFields(request, operation.requestSecrets);
    this.#driver.lifetime.leave();
  }

  async #reject(operation: string, input: unknown, error: KeyWrapError): Promise<never> {
    const rejection = withCallDetails(error, operation);
    await this.#driver.onRejected?.(operation, input, rejection);
    throw rejection;
  }

  async #shutDown(): Promise<void> {
    try {
      await this.#driver.lifetime.end();
      await this.#driver.close();
    } catch (error) {
      throw explain(error, 'close', {}, undefined);
    }
  }
}

/** Apart from `run`: closures there would slow down every call. */
async function endWithSignal<Result>(
  result: Promise<Result>,
  own: CallSignal,
  operation: string,
  request: object,
): Promise<Result> {
  try {
    return await untilAborted(result, own.signal);
  } catch (error) {
    throw explain(error, operation, request, own.signal);
  } finally {
    own.end();
  }
}

function finish<Request extends object, Output, Result>(
  { finish: make }: Pick<operations.Operation<object, Request, Output, Result>, 'finish'>,
  request: Request,
  output: Output,
): Result {
  return (make === undefined ? output : make(output, request)) as Result;
}

/** Tells why a call whose options or input could not be read is rejected. */
function reasonToReject(error: unknown, signal: Call['signal'], reading: string): KeyWrapError {
  try {
    if (signal?.aborted) return abortError(signal);
  } catch {
    // A getter of an imitation of a signal.
  }
  return unreadable(error, reading);
}

const DRIVERS = new WeakMap<KeyWrapProvider, CompleteDriver>();

/** The methods of a provider that only calls its driver. */
const METHODS = [
  'encrypt',
  'decrypt',
  'decryptAsymmetric',
  'reEncrypt',
  'generateDataKey',
  'generateDataKeyWithoutPlaintext',
  'generateDataKeyPair',
  'generateDataKeyPairWithoutPlaintext',
  'getPublicKey',
  'describeKey',
  'close',
  Symbol.asyncDispose,
  'run',
] as const satisfies readonly (keyof KeyWrapProvider | 'run')[];

/**
 * Returns the driver of a provider, with its layers. Returns undefined for a provider that was not built from a
 * driver, or that has fields, or methods other than those of {@link DriverProvider}.
 */
export function ownDriverOf(provider: KeyWrapProvider): CompleteDriver | undefined {
  const { prototype } = DriverProvider;
  const isItself =
    Object.keys(provider).length === 0 &&
    METHODS.every((name) => Reflect.get(provider, name) === Reflect.get(prototype, name));
  return isItself ? DRIVERS.get(provider) : undefined;
}

/**
 * Returns true for a provider that this copy of core made from a driver and that overrides none of its methods, so
 * that input, results and abort are handled by core. It is checked, not declared: an object that imitates one, or
 * that another copy of core made, returns false.
 */
export function isDriverProvider(provider: KeyWrapProvider): boolean {
  const driver = ownDriverOf(provider);
  return driver !== undefined && provider.capabilities === driver.capabilities;
}

function isComplete<Keys extends object>(
  driver: KeyWrapDriver<Keys> | CompleteDriver<Keys>,
): driver is CompleteDriver<Keys> {
  return Object.hasOwn(driver, 'lifetime');
}

const NO_DRIVER = Object.freeze({ mapError: undefined });

/** Adds the operation and the key to an error. A layer may have thrown anything. */
function explain(
  error: unknown,
  operation: string,
  request: object,
  signal: Call['signal'],
): KeyWrapError {
  const named = classifyError(error, operation, NO_DRIVER, signal);
  // Always a new error: the original's stack would reveal why decryption failed.
  const known = named instanceof InvalidCiphertextError ? invalidCiphertext(named) : named;
  return withCallDetails(known, operation, request);
}

function invalidCiphertext(error: InvalidCiphertextError): InvalidCiphertextError {
  const { message, operation, keyId, requestId } = error;
  const cause = ownField(error, 'cause');
  return new InvalidCiphertextError(message, { cause, operation, keyId, requestId });
}
