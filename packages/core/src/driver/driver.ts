import type { KeyWrapError } from '../provider/errors.js';
import type {
  KeyDescription,
  ProviderCapabilities,
  PublicKeyResult,
} from '../provider/provider.js';
import type { Lifetime } from './lifetime.js';
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
} from './requests.js';

/** The type of {@link IN_PROCESS}: not a unique symbol, which an async function widens. */
export type InProcess = symbol & { readonly means: 'in process' };

/**
 * Returned by a driver's `reEncrypt` or `generateDataKey` to decline a request: core then does it in this process
 * with `decrypt` and `encrypt`. It is a symbol because a forgotten `return` would return undefined.
 */
export const IN_PROCESS = Symbol('in process') as InProcess;

/** Declares the functions of a complete driver. */
export interface DriverFunctions {
  encrypt(request: EncryptRequest, call: Call): Awaitable<EncryptOutput>;
  /** Decrypts under either kind of key; `request.algorithm` says which. */
  decrypt(request: DecryptRequest, call: Call): Awaitable<DecryptOutput>;
  reEncrypt(request: ReEncryptRequest, call: Call): Awaitable<ReEncryptOutput>;
  generateDataKey(request: DataKeyRequest, call: Call): Awaitable<DataKeyOutput>;
  generateDataKeyWithoutPlaintext(request: DataKeyRequest, call: Call): Awaitable<EncryptOutput>;
  generateDataKeyPair(request: DataKeyPairRequest, call: Call): Awaitable<DataKeyPairOutput>;
  generateDataKeyPairWithoutPlaintext(
    request: DataKeyPairRequest,
    call: Call,
  ): Awaitable<WrappedDataKeyPairOutput>;
  getPublicKey(request: KeyRequest, call: Call): Awaitable<PublicKeyResult>;
  /** Describes a key in any state. */
  describeKey(request: KeyRequest, call: Call): Awaitable<KeyDescription>;
}

/** The name of a function of a complete driver. */
export type FunctionName = keyof DriverFunctions;

/** The names of all functions of a complete driver, for layers around all of them. */
export const FUNCTION_NAMES: readonly FunctionName[] = Object.freeze([
  'encrypt',
  'decrypt',
  'reEncrypt',
  'generateDataKey',
  'generateDataKeyWithoutPlaintext',
  'generateDataKeyPair',
  'generateDataKeyPairWithoutPlaintext',
  'getPublicKey',
  'describeKey',
]);

/** The functions that every backend has, and those that may decline a request. */
interface BackendFunctions extends Pick<DriverFunctions, 'encrypt' | 'decrypt' | 'describeKey'> {
  /** By default decrypts and encrypts in this process, and wipes the plaintext. */
  reEncrypt?(request: ReEncryptRequest, call: Call): Awaitable<ReEncryptOutput | InProcess>;
  /** By default draws the data key from `crypto.getRandomValues` and encrypts it. */
  generateDataKey?(request: DataKeyRequest, call: Call): Awaitable<DataKeyOutput | InProcess>;
}

/** The request of a function of a complete driver. */
export type RequestOf<Name extends FunctionName> = Parameters<DriverFunctions[Name]>[0];

/** The output of a function of a complete driver. */
export type OutputOf<Name extends FunctionName> = Awaited<ReturnType<DriverFunctions[Name]>>;

/** A function that manages keys, such as `createKey`. Its caller has parsed the request. */
export type KeyFunction = (request: never, call: Call) => Awaitable<unknown>;

/** Functions that manage keys, by name: a plain record. */
export type KeyFunctions = Readonly<Record<string, KeyFunction>>;

/**
 * The interface that a backend implements, as a plain object or a class. `id`, `capabilities`, `encrypt`,
 * `decrypt` and `describeKey` are enough; {@link completeDriver} fills in the rest.
 *
 * Every function receives a request that is complete and checked, in memory that only this call uses. It
 * may return its output or a promise. It throws a `KeyWrapError` if it knows what is wrong; anything else goes
 * to `mapError`.
 *
 * @example
 * ```ts
 * import { createProvider, type KeyWrapDriver, type KeyWrapProvider } from '@keywrap/core';
 *
 * declare const hsm: Pick<KeyWrapDriver, 'encrypt' | 'decrypt' | 'describeKey'>;
 *
 * const driver: KeyWrapDriver = {
 *   id: 'my-hsm',
 *   capabilities: {
 *     algorithms: ['SYMMETRIC_DEFAULT'],
 *     encryptionContext: true,
 *     keyIdFromCiphertext: true,
 *     dataKeys: true,
 *     dataKeyPairSpecs: [],
 *   },
 *   encrypt: (request, call) => hsm.encrypt(request, call),
 *   decrypt: (request, call) => hsm.decrypt(request, call),
 *   describeKey: (request, call) => hsm.describeKey(request, call),
 * };
 * const provider: KeyWrapProvider = createProvider(driver);
 * ```
 */
export interface KeyWrapDriver<Keys extends object = object>
  extends Partial<Omit<DriverFunctions, keyof BackendFunctions>>,
    BackendFunctions {
  /** Identifies the kind of provider: `local`, `aws-kms`, ... */
  readonly id: string;
  readonly capabilities: ProviderCapabilities;
  /** The functions that manage keys, if the backend has any: a plain record of {@link KeyFunction}s. */
  readonly keys?: Keys | undefined;
  /**
   * Converts an error that a function threw into a `KeyWrapError`. Returns undefined for unknown errors: core
   * then treats socket, DNS and time-out errors as an outage, classifies HTTP statuses by {@link errorOfStatus}, and
   * makes anything else an `InternalError`.
   *
   * @param step The name of the function that failed.
   */
  mapError?(error: unknown, step: string): KeyWrapError | undefined;
  /** Releases the driver's resources. Called once, when no call is in progress. */
  close?(): Awaitable<void>;
}

/**
 * A driver with every function: a plain record, so that a layer is `(inner) => ({ ...inner, decrypt })`. Its
 * functions check what the backend returned, and throw a `KeyWrapError` only.
 */
export interface CompleteDriver<Keys extends object = object> extends Readonly<DriverFunctions> {
  readonly id: string;
  readonly capabilities: ProviderCapabilities;
  /** Empty if the backend does not manage keys. */
  readonly keys: Keys;
  /**
   * Called for a call that was rejected before it became a request: malformed, aborted or after close. The
   * caller's promise rejects after it has settled.
   *
   * @param operation The public method.
   * @param input What the caller passed: anything.
   */
  readonly onRejected:
    | ((operation: string, input: unknown, error: KeyWrapError) => Awaitable<void>)
    | undefined;
  /** Shared by all layers over one backend. */
  readonly lifetime: Lifetime;
  close(): Promise<void>;
}

/** Adds behaviour to a driver; functions that it does not replace stay unchanged. */
export type Layer = <Keys extends object>(inner: CompleteDriver<Keys>) => CompleteDriver<Keys>;
