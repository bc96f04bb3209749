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
 * What `reEncrypt` or `generateDataKey` of a driver returns to say: not this request, do it in this
 * process with `decrypt` and `encrypt`. A symbol and not undefined, which a forgotten `return` gives.
 */
export const IN_PROCESS = Symbol('in process') as InProcess;

/** The functions of a complete driver, by name. */
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

/** Every function that a complete driver has: a layer around all of them goes through this list. */
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
  /** By default draws the data key here, from `crypto.getRandomValues`, and encrypts it. */
  generateDataKey?(request: DataKeyRequest, call: Call): Awaitable<DataKeyOutput | InProcess>;
}

/** What a function of a complete driver receives. */
export type RequestOf<Name extends FunctionName> = Parameters<DriverFunctions[Name]>[0];

/** What a function of a complete driver returns. */
export type OutputOf<Name extends FunctionName> = Awaited<ReturnType<DriverFunctions[Name]>>;

/** A function that manages keys: createKey and its like. Its request was parsed by whoever calls it. */
export type KeyFunction = (request: never, call: Call) => Awaitable<unknown>;

/** Functions that manage keys, by name: a plain record. */
export type KeyFunctions = Readonly<Record<string, KeyFunction>>;

/**
 * What a backend implements: a plain object or an instance of a class. `id`, `capabilities`, `encrypt`,
 * `decrypt` and `describeKey` are enough; {@link completeDriver} fills in the rest.
 *
 * Every function receives a request that is complete and checked, in memory that only this call uses. It
 * may answer at once or with a promise. It throws a `KeyWrapError` where it knows what is wrong;
 * anything else goes to `mapError`.
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
  /** What kind of provider it is: `local`, `aws-kms`, ... */
  readonly id: string;
  readonly capabilities: ProviderCapabilities;
  /** Where the backend manages keys: a plain record of {@link KeyFunction}s. */
  readonly keys?: Keys | undefined;
  /**
   * Turns what a function threw, and is not a `KeyWrapError`, into one. Returns undefined for what it does
   * not know: core then takes socket, DNS and time-out errors and statuses of 500 and above for an
   * outage, and anything else for an `InternalError`.
   *
   * @param step What was tried: the name of the function.
   */
  mapError?(error: unknown, step: string): KeyWrapError | undefined;
  /** Releases what the driver holds. Called once, when no call is under way. */
  close?(): Awaitable<void>;
}

/**
 * A driver with every function: a plain record, so that a layer is `(inner) => ({ ...inner, decrypt })`. Its
 * functions check what the backend returned, and throw a `KeyWrapError` only.
 */
export interface CompleteDriver<Keys extends object = object> extends Readonly<DriverFunctions> {
  readonly id: string;
  readonly capabilities: ProviderCapabilities;
  /** Empty where the backend manages no keys. */
  readonly keys: Keys;
  /**
   * Hears of a call that was refused before it became a request: malformed, aborted or after close. The
   * caller is told after it has settled.
   *
   * @param operation The public method.
   * @param input What the caller passed: anything.
   */
  readonly onRefused:
    | ((operation: string, input: unknown, error: KeyWrapError) => Awaitable<void>)
    | undefined;
  /** One for all layers over one backend. */
  readonly lifetime: Lifetime;
  close(): Promise<void>;
}

/** Adds behaviour to a driver, and leaves alone what it does not name. */
export type Layer = <Keys extends object>(inner: CompleteDriver<Keys>) => CompleteDriver<Keys>;
