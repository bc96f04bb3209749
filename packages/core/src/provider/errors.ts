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

/** What an error can say beside its message. None of it may hold a secret. */
export interface KeyWrapErrorOptions {
  /** The method that failed, for example `decrypt`. */
  readonly operation?: string | undefined;
  /** The key as the caller named it, or its ARN. */
  readonly keyId?: string | undefined;
  /** The backend's own id of the request (AWS: `x-amzn-RequestId`). */
  readonly requestId?: string | undefined;
  /** What was thrown underneath. */
  readonly cause?: unknown;
}

/**
 * The base of every error that a provider throws.
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
  /** Stable, for programs. */
  abstract readonly code: KeyWrapErrorCode;
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean = false;
  /** The method that failed. */
  readonly operation: string | undefined;
  /** The key as the caller named it, or its ARN. */
  readonly keyId: string | undefined;
  /** The backend's own id of the request, where it has one. */
  readonly requestId: string | undefined;

  constructor(message: string, options: KeyWrapErrorOptions = {}) {
    const { cause, operation, keyId, requestId } = ownFields(options);
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
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

/** The key waits for its deletion or for its key material, so it can't be used. */
export class KeyStateError extends KeyWrapError {
  override readonly code = 'KEY_STATE';
}

/** The key is for something else: for signing, for MACs, or for another algorithm. */
export class InvalidKeyUsageError extends KeyWrapError {
  override readonly code = 'KEY_USAGE';
}

/** The ciphertext was made under another key than the one that was named. */
export class IncorrectKeyError extends KeyWrapError {
  override readonly code = 'INCORRECT_KEY';
}

/**
 * The ciphertext does not open: damaged, made elsewhere, or bound to another encryption context.
 * Which of these it was is never told, because telling would help an attacker.
 */
export class InvalidCiphertextError extends KeyWrapError {
  override readonly code = 'INVALID_CIPHERTEXT';
}

/**
 * The call itself is wrong; nothing was done. {@link InvalidInputError.field} names the input.
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
  /** The input that is wrong, for example `plaintext` or `source.keyId`. */
  readonly field: string;

  constructor(field: string, problem: string, options?: KeyWrapErrorOptions) {
    super(`${field} ${problem}`, options);
    this.field = field;
  }
}

/** The provider, or this kind of key, does not do that. See `provider.capabilities`. */
export class UnsupportedOperationError extends KeyWrapError {
  override readonly code = 'UNSUPPORTED';
}

/** The key is not on the list of trusted keys; it was not used. */
export class UntrustedKeyError extends KeyWrapError {
  override readonly code = 'UNTRUSTED_KEY';
}

/** The caller may not do this, or could not show who it is. */
export class AccessDeniedError extends KeyWrapError {
  override readonly code = 'ACCESS_DENIED';
}

/** Too many requests. Retry later, more slowly. */
export class ThrottledError extends KeyWrapError {
  override readonly code = 'THROTTLED';
  override readonly retryable = true;
}

/** The backend did not answer, or failed inside. Retry later. */
export class ProviderUnavailableError extends KeyWrapError {
  override readonly code = 'UNAVAILABLE';
  override readonly retryable = true;
}

/**
 * The provider or its client failed in a way that no rule covers: a bug, or a response that makes no
 * sense. Retrying does not help; `cause` is what was thrown.
 */
export class InternalError extends KeyWrapError {
  override readonly code = 'INTERNAL';
}

/** The provider was closed, or the secret was disposed; it can't be used any more. */
export class ProviderClosedError extends KeyWrapError {
  override readonly code = 'CLOSED';
}

/** The caller's signal aborted the call; `cause` is the signal's reason. */
export class AbortError extends KeyWrapError {
  override readonly code = 'ABORTED';
}

/** What can only be wrong with the key that a ciphertext came from. */
const ABOUT_THE_SOURCE: ReadonlySet<KeyWrapErrorCode> = new Set([
  'INCORRECT_KEY',
  'INVALID_CIPHERTEXT',
]);

/**
 * Adds what only the caller's side knows, where the error does not say it yet.
 *
 * @param request Its `keyId` names the key; where it has two sides, that of the side which the error
 * is about.
 */
export function withCallDetails<E extends KeyWrapError>(
  error: E,
  operation: string,
  request: object = {},
): E {
  const side = ABOUT_THE_SOURCE.has(error.code) ? 'source' : 'destination';
  return Object.assign(error, {
    operation: error.operation ?? operation,
    keyId: error.keyId ?? nameIn(request) ?? nameIn(ownField(request as Sides, side)),
  });
}

type Sides = Partial<Record<'source' | 'destination', object>>;

/** How a request or a side of one names its key. */
function nameIn(part: object | undefined): string | undefined {
  const { key, keyId } = ownFields(part ?? {}) as {
    readonly key?: { readonly text: string };
    readonly keyId?: string;
  };
  return key?.text ?? keyId;
}
