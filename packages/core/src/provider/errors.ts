import { ownField, ownFields } from './own-fields.js';

/**
 * Every failure of a provider is a {@link KeyWrapError} with one of these codes. The codes are stable:
 * switch on `code`, never on `message`.
 */
export type KeyWrapErrorCode =
  | 'KEY_NOT_FOUND'
  | 'KEY_DISABLED'
  | 'KEY_STATE'
  | 'KEY_USAGE'
  | 'INCORRECT_KEY'
  | 'INVALID_CIPHERTEXT'
  | 'INVALID_INPUT'
  | 'UNSUPPORTED'
  | 'UNTRUSTED_KEY'
  | 'ACCESS_DENIED'
  | 'THROTTLED'
  | 'UNAVAILABLE'
  | 'INTERNAL'
  | 'CLOSED'
  | 'ABORTED';

/** The details of an error besides its message. None of them may contain a secret. */
export interface KeyWrapErrorOptions {
  /** The method that failed, for example `decrypt`. */
  readonly operation?: string | undefined;
  /** The key as the caller named it, or its ARN. */
  readonly keyId?: string | undefined;
  /** The backend's request id (AWS: `x-amzn-RequestId`). */
  readonly requestId?: string | undefined;
  /** The underlying error. */
  readonly cause?: unknown;
}

/** The marks of error classes; see {@link registerErrorClass}. */
const MARKS = new WeakMap<object, symbol>();

/**
 * The base of every error that a provider throws. `instanceof`, of this class and of those below, recognises errors of
 * another copy of this package too; so does {@link isKeyWrapError}.
 *
 * @example
 * ```ts
 * import { KeyWrapError } from '@keywrap/core';
 *
 * const isWorthRetrying = (error: unknown): boolean =>
 *   error instanceof KeyWrapError && error.retryable;
 * ```
 */
export abstract class KeyWrapError extends Error {
  /** A stable code, for programs. */
  abstract readonly code: KeyWrapErrorCode;
  /** True if the same call may succeed later. */
  readonly retryable: boolean = false;
  /** The method that failed. */
  readonly operation: string | undefined;
  /** The key as the caller named it, or its ARN. */
  readonly keyId: string | undefined;
  /** The backend's request id, if it has one. */
  readonly requestId: string | undefined;

  constructor(message: string, options: KeyWrapErrorOptions = {}) {
    const { cause, operation, keyId, requestId } = ownFields(options);
    super(message, cause === undefined ? undefined : { cause });
    this.name = nameOf(new.target);
    this.operation = operation;
    this.keyId = keyId;
    this.requestId = requestId;
  }
}

/** No key has this id, ARN or alias. Check the name, the region and the account. */
export class KeyNotFoundError extends KeyWrapError {
  override readonly code = 'KEY_NOT_FOUND';
}

/** The key is disabled. Enable it, or use another. */
export class KeyDisabledError extends KeyWrapError {
  override readonly code = 'KEY_DISABLED';
}

/** The key is pending deletion or pending import, so it can't be used. */
export class KeyStateError extends KeyWrapError {
  override readonly code = 'KEY_STATE';
}

/** The key has another usage, such as signing or MACs, or does not support the algorithm. */
export class InvalidKeyUsageError extends KeyWrapError {
  override readonly code = 'KEY_USAGE';
}

/** The ciphertext was made by a key other than the named one. */
export class IncorrectKeyError extends KeyWrapError {
  override readonly code = 'INCORRECT_KEY';
}

/**
 * Decryption failed: the ciphertext is damaged, made elsewhere, or bound to another encryption context. The error
 * never distinguishes these, because that would help an attacker.
 */
export class InvalidCiphertextError extends KeyWrapError {
  override readonly code = 'INVALID_CIPHERTEXT';
}

/**
 * The input is wrong; nothing was done. {@link InvalidInputError.field} names the input.
 *
 * @example
 * ```ts
 * import { InvalidInputError } from '@keywrap/core';
 *
 * const fieldOf = (error: unknown): string | undefined =>
 *   error instanceof InvalidInputError ? error.field : undefined;
 * ```
 */
export class InvalidInputError extends KeyWrapError {
  override readonly code = 'INVALID_INPUT';
  /** The wrong input, for example `plaintext` or `source.keyId`. */
  readonly field: string;

  constructor(field: string, problem: string, options?: KeyWrapErrorOptions) {
    super(`${field} ${problem}`, options);
    this.field = field;
  }
}

/** The provider, or this kind of key, does not support the operation. See `provider.capabilities`. */
export class UnsupportedOperationError extends KeyWrapError {
  override readonly code = 'UNSUPPORTED';
}

/** The key is not on the list of trusted keys; it was not used. */
export class UntrustedKeyError extends KeyWrapError {
  override readonly code = 'UNTRUSTED_KEY';
}

/** The caller is not allowed to do this, or not authenticated. */
export class AccessDeniedError extends KeyWrapError {
  override readonly code = 'ACCESS_DENIED';
}

/** Too many requests. Retry later, more slowly. */
export class ThrottledError extends KeyWrapError {
  override readonly code = 'THROTTLED';
  override readonly retryable = true;
}

/** The backend did not respond, or failed. Retry later. */
export class ProviderUnavailableError extends KeyWrapError {
  override readonly code = 'UNAVAILABLE';
  override readonly retryable = true;
}

/**
 * The provider or its client failed unexpectedly: a bug, or a malformed response. Retrying does not help;
 * `cause` is the underlying error.
 */
export class InternalError extends KeyWrapError {
  override readonly code = 'INTERNAL';
}

/** The provider was closed, or the secret was disposed; it can no longer be used. */
export class ProviderClosedError extends KeyWrapError {
  override readonly code = 'CLOSED';
}

/** The caller's signal aborted the call; `cause` is the signal's reason. */
export class AbortError extends KeyWrapError {
  override readonly code = 'ABORTED';
}

/**
 * Returns true for an error of the contract, of this copy of the package or another: bundles and test runners often
 * have several. Switch on its `code`.
 *
 * @example
 * ```ts
 * import { isKeyWrapError } from '@keywrap/core';
 *
 * const isDenied = (error: unknown): boolean =>
 *   isKeyWrapError(error) && error.code === 'ACCESS_DENIED';
 * ```
 */
export function isKeyWrapError(error: unknown): error is KeyWrapError {
  return error instanceof KeyWrapError;
}

type ErrorClass = abstract new (...args: never[]) => KeyWrapError;

/**
 * Gives your own subclass of an error what the classes of the contract have: a `name` that survives minifiers, and
 * an `instanceof` that recognises the errors of another copy of your package.
 *
 * @param type The class.
 * @param name Its name, unique among all packages that extend {@link KeyWrapError}.
 *
 * @example
 * ```ts
 * import { ProviderUnavailableError, registerErrorClass } from '@keywrap/core';
 *
 * class HsmOfflineError extends ProviderUnavailableError {
 *   readonly slot = 0;
 * }
 * registerErrorClass(HsmOfflineError, 'HsmOfflineError');
 * ```
 */
export function registerErrorClass(type: ErrorClass, name: string): void {
  const mark = Symbol.for(`@keywrap/core:${name}`);
  MARKS.set(type, mark);
  Object.defineProperties(type.prototype, {
    [mark]: { value: true },
    // As Error.prototype has it.
    name: { value: name, writable: true, configurable: true },
  });
}

/** A class that is not registered has the name that the program's minifier left it. */
function nameOf(type: ErrorClass): string {
  return MARKS.has(type) ? type.prototype.name : type.name;
}

for (const [name, type] of Object.entries({
  KeyWrapError,
  KeyNotFoundError,
  KeyDisabledError,
  KeyStateError,
  InvalidKeyUsageError,
  IncorrectKeyError,
  InvalidCiphertextError,
  InvalidInputError,
  UnsupportedOperationError,
  UntrustedKeyError,
  AccessDeniedError,
  ThrottledError,
  ProviderUnavailableError,
  InternalError,
  ProviderClosedError,
  AbortError,
})) {
  registerErrorClass(type, name);
}

// Not in the class: TypeScript would then narrow by its declaration. A class that is not registered recognises its
// own instances only.
Object.defineProperty(KeyWrapError, Symbol.hasInstance, {
  value(this: ErrorClass, value: unknown): boolean {
    const mark = MARKS.get(this);
    return mark === undefined
      ? Function.prototype[Symbol.hasInstance].call(this, value)
      : typeof value === 'object' && value !== null && mark in value;
  },
});

/** The codes that concern only the source key of a ciphertext. */
const ABOUT_THE_SOURCE: ReadonlySet<KeyWrapErrorCode> = new Set([
  'INCORRECT_KEY',
  'INVALID_CIPHERTEXT',
]);

/**
 * Adds the operation and the key to an error that does not have them yet.
 *
 * @param request Its `keyId` names the key; if it has two sides, that of the side that the error concerns.
 */
export function withCallDetails<E extends KeyWrapError>(
  error: E,
  operation: string | undefined,
  request: object = {},
): E {
  const side = ABOUT_THE_SOURCE.has(error.code) ? 'source' : 'destination';
  return Object.assign(error, {
    operation: error.operation ?? operation,
    keyId: error.keyId ?? nameIn(request) ?? nameIn(ownField(request as Sides, side)),
  });
}

type Sides = Partial<Record<'source' | 'destination', object>>;

/** Returns the key id of a request, or of one side of it. */
function nameIn(part: object | undefined): string | undefined {
  const { key, keyId } = ownFields(part ?? {}) as {
    readonly key?: { readonly text: string };
    readonly keyId?: string;
  };
  return key?.text ?? keyId;
}
