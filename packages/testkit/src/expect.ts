import {
  AbortError,
  AccessDeniedError,
  DataKey,
  DataKeyPair,
  DecryptResult,
  IncorrectKeyError,
  InternalError,
  InvalidCiphertextError,
  InvalidInputError,
  InvalidKeyUsageError,
  isKeyArn,
  isUint8Array,
  KeyDisabledError,
  KeyNotFoundError,
  KeyStateError,
  KeyWrapError,
  type KeyWrapErrorCode,
  type KeyWrapProvider,
  ProviderClosedError,
  ProviderUnavailableError,
  ThrottledError,
  UnsupportedOperationError,
  UntrustedKeyError,
} from '@keywrap/core';

/** The difference between the expected and the actual behaviour. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
  readonly expected: string;
  readonly actual: string;

  /** @param cause The error that came in the place of what was expected. */
  constructor(expected: string, actual: string, cause?: unknown) {
    super(`expected ${expected}, but got ${actual}`, cause === undefined ? undefined : { cause });
    this.expected = expected;
    this.actual = actual;
  }
}

/**
 * Fails the case unless the condition is true. The texts must not contain a secret.
 *
 * @param cause The error that came in the place of what was expected.
 */
export function check(
  condition: boolean,
  expected: string,
  actual: string,
  cause?: unknown,
): asserts condition {
  if (!condition) throw new Mismatch(expected, actual, cause);
}

/** Fails the case unless both are the same bytes. */
export function expectBytes(actual: unknown, expected: Uint8Array, what: string): void {
  check(isUint8Array(actual), `${what} as a Uint8Array`, kindOf(actual));
  check(
    sameBytes(actual, expected),
    `${what}: exactly the original ${expected.length} bytes`,
    actual.length === expected.length ? `${actual.length} other bytes` : `${actual.length} bytes`,
  );
}

/** Fails the case unless both are different bytes. */
export function expectDifferent(one: Uint8Array, other: Uint8Array, what: string): void {
  check(!sameBytes(one, other), `two different ${what}`, 'the same twice');
}

/** Fails the case unless a field has this value. */
export function expectField(actual: unknown, expected: unknown, name: string): void {
  check(actual === expected, `${name} ${String(expected)}`, `${name} ${String(actual)}`);
}

/** Fails the case unless the length is the expected one. */
export function expectLength({ length }: Uint8Array, expected: number, what: string): void {
  check(length === expected, `${what} of ${expected} bytes`, `${length} bytes`);
}

/** Fails the case unless the result names this key by its ARN. */
export function expectKeyArn(actual: unknown, arn: string, what = 'keyId'): void {
  check(isKeyArn(actual) && actual === arn, `${what} ${arn}`, `${what} ${String(actual)}`);
}

/** Resolves to the error of a call; to undefined if it succeeds. */
export function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Fails the case unless these bytes are a `Uint8Array` that owns its memory. */
export function expectOwnMemory(bytes: unknown, what: string): void {
  check(isUint8Array(bytes), `${what} as a Uint8Array`, kindOf(bytes));
  // Memory that is shared or can be resized may change under its owner.
  const kind = kindOf(bytes.buffer);
  const isFixed = (bytes.buffer as { resizable?: boolean }).resizable !== true;
  check(kind === 'ArrayBuffer' && isFixed, `${what} in an ArrayBuffer of fixed length`, kind);
  check(
    bytes.byteOffset === 0 && bytes.buffer.byteLength === bytes.length,
    `${what} that owns its memory (byteOffset 0, a buffer of ${bytes.length} bytes)`,
    `byteOffset ${bytes.byteOffset} in a buffer of ${bytes.buffer.byteLength} bytes`,
  );
}

const CLASSES: Readonly<Record<KeyWrapErrorCode, abstract new (...args: never[]) => KeyWrapError>> =
  {
    KEY_NOT_FOUND: KeyNotFoundError,
    KEY_DISABLED: KeyDisabledError,
    KEY_STATE: KeyStateError,
    KEY_USAGE: InvalidKeyUsageError,
    INCORRECT_KEY: IncorrectKeyError,
    INVALID_CIPHERTEXT: InvalidCiphertextError,
    INVALID_INPUT: InvalidInputError,
    UNSUPPORTED: UnsupportedOperationError,
    UNTRUSTED_KEY: UntrustedKeyError,
    ACCESS_DENIED: AccessDeniedError,
    THROTTLED: ThrottledError,
    UNAVAILABLE: ProviderUnavailableError,
    INTERNAL: InternalError,
    CLOSED: ProviderClosedError,
    ABORTED: AbortError,
  };

/** The expected details of an error. */
export interface ErrorDetails {
  /** The method that was called. */
  readonly operation: string;
  /** For `INVALID_INPUT`: the names that the input may have in `field`. */
  readonly field?: string | readonly string[];
  /** The allowed values of `keyId`: the key as the call named it, or its ARN. */
  readonly keyId?: readonly string[] | undefined;
}

/**
 * Fails the case unless a call rejects with one of these codes, the matching class, and everything that the
 * contract requires of every error.
 */
export async function expectError(
  call: Promise<unknown>,
  code: KeyWrapErrorCode | readonly KeyWrapErrorCode[],
  details: ErrorDetails,
): Promise<KeyWrapError> {
  const codes = [code].flat() as readonly KeyWrapErrorCode[];
  const wanted = `a rejection with ${codes.map((each) => `${CLASSES[each].name} (${each})`).join(' or ')}`;
  const error = await rejectionOf(call, wanted);
  if (error instanceof Mismatch) throw error;
  expectKeyWrapError(error, wanted);
  check(codes.includes(error.code), wanted, describeError(error), error);
  expectErrorShape(error, details.operation);
  if (details.field !== undefined && error.code === 'INVALID_INPUT') {
    const fields = [details.field].flat();
    const { field } = error as InvalidInputError;
    check(
      fields.includes(field),
      `${wanted} whose field is ${fields.join(' or ')}`,
      `field ${field}`,
    );
  }
  if (details.keyId !== undefined) {
    check(
      details.keyId.includes(error.keyId ?? ''),
      `${wanted} whose keyId is ${details.keyId.join(' or ')}`,
      `keyId ${error.keyId}`,
    );
  }
  return error;
}

/** Returns the code for a ciphertext of another key: where it does not identify its key, nothing tells why it fails. */
export function wrongKeyCode({ capabilities }: Pick<KeyWrapProvider, 'capabilities'>) {
  return capabilities.keyIdFromCiphertext ? 'INCORRECT_KEY' : 'INVALID_CIPHERTEXT';
}

/** The classes of the results that hold a secret. */
const RESULTS: Readonly<Record<string, abstract new (...args: never[]) => object>> = {
  decrypt: DecryptResult,
  decryptAsymmetric: DecryptResult,
  generateDataKey: DataKey,
  generateDataKeyPair: DataKeyPair,
};

/** Fails the case unless the result of an operation is of the contract's class, which hides and wipes its secret. */
export function expectResultClass(operation: string, result: unknown): void {
  const type = Object.hasOwn(RESULTS, operation) ? RESULTS[operation] : undefined;
  if (type === undefined || result instanceof type) return;
  // Another copy of core has a class of the same name.
  const isOther =
    typeof result === 'object' &&
    result !== null &&
    result.constructor?.name === type.name &&
    Symbol.dispose in result;
  check(
    isOther,
    `a ${type.name} of @keywrap/core, made by new ${type.name}({ ... })`,
    `${kindOf(result)}, which only looks like one`,
  );
}

/** Fails the case unless a call rejects, with any error. */
export async function rejectionOf(call: Promise<unknown>, wanted: string): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Mismatch(wanted, 'success');
}

/** Fails the case unless this is one of the contract's errors. */
export function expectKeyWrapError(error: unknown, wanted: string): asserts error is KeyWrapError {
  const isForeign =
    !(error instanceof KeyWrapError) &&
    typeof error === 'object' &&
    error !== null &&
    'retryable' in error;
  const hint = isForeign
    ? ' (is it from another copy of @keywrap/core than the testkit uses?)'
    : '';
  check(
    error instanceof KeyWrapError,
    wanted,
    `${describeError(error)}, not a KeyWrapError${hint}`,
    error,
  );
}

/** Checks what every error must have, whatever its code. */
function expectErrorShape(error: KeyWrapError, operation: string): void {
  const { code, name, message, retryable } = error;
  const type = CLASSES[code];
  check(
    type !== undefined && error instanceof type,
    `an instance of ${type?.name ?? 'a class of the contract'} for the code ${code}`,
    error.constructor.name,
  );
  // A provider may have its own subclasses, under any name that is true.
  check(namesOf(error).includes(name), `error.name ${error.constructor.name}`, `${name}`);
  check(typeof message === 'string' && message.trim().length > 0, 'a message', 'an empty message');
  const isRetryable = code === 'THROTTLED' || code === 'UNAVAILABLE';
  check(
    retryable === isRetryable,
    `retryable ${isRetryable} for ${code}`,
    `retryable ${retryable}`,
  );
  check(
    error.operation === operation,
    `an error whose operation is ${operation}`,
    `operation ${error.operation} on ${describeError(error)}`,
  );
}

/** Returns the names of an error's classes, up to that of the contract. */
function namesOf(error: KeyWrapError): string[] {
  const names: string[] = [];
  for (let owner = Object.getPrototypeOf(error); owner !== KeyWrapError.prototype; ) {
    names.push(owner.constructor.name);
    owner = Object.getPrototypeOf(owner);
  }
  return names;
}

/** Describes an error in one line. */
export function describeError(error: unknown): string {
  // By its fields: an error of another realm, as jest's, is no instance of this one's class.
  const { name, message, code } = (error ?? {}) as Record<string, unknown>;
  if (typeof message !== 'string') return `${kindOf(error)} thrown`;
  return `${String(name)}${code === undefined ? '' : ` (${String(code)})`}: ${message}`;
}

/** Describes the kind of a value, without its contents. */
export function kindOf(value: unknown): string {
  if (value === null || typeof value !== 'object')
    return value === undefined ? 'undefined' : typeof value;
  const name = value.constructor?.name ?? 'object';
  return isUint8Array(value) ? `${name} of ${value.length} bytes` : name;
}

/** Returns true if both are the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
