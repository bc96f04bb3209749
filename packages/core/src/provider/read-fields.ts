import { byteLength, copyBytes, isSharedMemory, isUint8Array, type OwnedBytes } from './bytes.js';
import { InvalidInputError, KeyWrapError, withCallDetails } from './errors.js';
import { Nothing } from './own-fields.js';

// Parses a caller's input, from plain JavaScript too: reads each property once, copies it, and rejects invalid
// values with the name of the field.

/**
 * Parses the input of an operation, or options. If a getter or proxy of the caller throws, that is invalid input,
 * not a failure of the backend.
 *
 * @param operation Undefined for options, which belong to no operation.
 * @param field The name of the whole in the error about a getter.
 * @throws {@link KeyWrapError} that names the operation.
 */
export function readSafely<T>(operation: string | undefined, field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw withCallDetails(unreadable(error, field), operation);
  }
}

/** Reports what a getter or proxy of the caller threw as invalid input; any other error is returned unchanged. */
export function unreadable(cause: unknown, field: string): KeyWrapError {
  if (cause instanceof KeyWrapError) return cause;
  return new InvalidInputError(field, 'could not be read: a getter or proxy threw', { cause });
}

/**
 * Reads the named properties of an untrusted object, each once. Rejects any other property: a misspelt
 * `encryptionContext` must not encrypt without one.
 *
 * @param field The name of the object in errors; `input` for the whole.
 * @throws {@link InvalidInputError}
 */
export function readFields<Name extends string>(
  value: unknown,
  field: string,
  names: readonly Name[],
): Readonly<Record<Name, unknown>> {
  assertKnown(value, field, names);
  const fields = new Nothing() as Record<Name, unknown>;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as Name;
    fields[name] = readValue(value, name);
  }
  return fields;
}

/** The fields of the input and the options of every operation of a provider. */
type CallField =
  | 'plaintext'
  | 'ciphertext'
  | 'keyId'
  | 'algorithm'
  | 'encryptionContext'
  | 'source'
  | 'destination'
  | 'keySpec'
  | 'numberOfBytes'
  | 'keyPairSpec'
  | 'signal'
  | 'grantTokens'
  | 'bytesToEncrypt';

/**
 * Does the same as {@link readFields} for each call of a provider, where a copy takes longer than all the checks.
 *
 * @returns The caller's object itself: read each property once.
 */
export function checkFields<Name extends CallField>(
  value: unknown,
  field: string,
  names: readonly Name[],
): Readonly<Record<Name, unknown>> {
  if (isPolluted()) return readFields(value, field, names);
  assertKnown(value, field, names);
  return value as Readonly<Record<Name, unknown>>;
}

/** Tells whether `Object.prototype` has a field of a call, so that every object seems to have it. */
function isPolluted(): boolean {
  // By name: engines know that a name is not there, but look it up where it is a variable.
  const { prototype } = Object;
  return (
    'plaintext' in prototype ||
    'ciphertext' in prototype ||
    'keyId' in prototype ||
    'algorithm' in prototype ||
    'encryptionContext' in prototype ||
    'source' in prototype ||
    'destination' in prototype ||
    'keySpec' in prototype ||
    'numberOfBytes' in prototype ||
    'keyPairSpec' in prototype ||
    'signal' in prototype ||
    'grantTokens' in prototype ||
    'bytesToEncrypt' in prototype
  );
}

function assertKnown(
  value: unknown,
  field: string,
  names: readonly string[],
): asserts value is object {
  // By its tag: a built-in object such as a signal or a Map would otherwise pass as an object without any of
  // the properties.
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw new InvalidInputError(field, `must be an object with ${names.join(', ')}`);
  }
  // Without a list, an iterator or a closure: each takes as long as a check.
  for (const name in value as object) {
    if (names.includes(name) || !Object.hasOwn(value as object, name)) continue;
    throw unknownField(name, field, names);
  }
}

/** Reads a property, inherited from a class too, but not from a polluted `Object.prototype`: nobody passed that. */
export function readValue(source: object, name: string): unknown {
  const passed: unknown = (source as Readonly<Record<string, unknown>>)[name];
  if (passed === undefined || Object.hasOwn(source, name)) return passed;
  return passed === (Object.prototype as Readonly<Record<string, unknown>>)[name]
    ? undefined
    : passed;
}

/**
 * Copies an array of a caller, item by item: its own iterator might yield more of them.
 *
 * @param maximum The largest number of items.
 * @returns The copy, with `undefined` for holes; undefined for anything but an array of at most `maximum` items.
 */
export function readArray(value: unknown, maximum: number): unknown[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const { length } = value;
  // The length first: copying an array of a billion holes would take all memory.
  if (length > maximum) return undefined;
  return Array.from({ length }, (_, i) => value[i]);
}

function unknownField(name: string, field: string, names: readonly string[]): InvalidInputError {
  const shown = name.length > 100 ? `${name.slice(0, 100)}...` : name;
  const path = field === 'input' ? shown : `${field}.${shown}`;
  return new InvalidInputError(path, `is not a known field; the fields are ${names.join(', ')}`);
}

/**
 * Copies a caller's bytes, so that the caller may change or wipe them at once.
 *
 * @param maximum The longest length to accept, in bytes; the shortest is 1.
 * @throws {@link InvalidInputError} for anything but a `Uint8Array`, and for shared or detached memory.
 */
export function readBytes(value: unknown, field: string, maximum: number): OwnedBytes {
  if (!isUint8Array(value)) {
    throw new InvalidInputError(field, 'must be a Uint8Array');
  }
  if (isSharedMemory(value)) {
    throw new InvalidInputError(
      field,
      'must not be shared memory: another thread could change it while it is read; pass a copy',
    );
  }
  const length = byteLength(value);
  if (length === 0) {
    throw new InvalidInputError(field, 'must not be empty; a detached buffer counts as empty');
  }
  if (length > maximum) {
    throw new InvalidInputError(field, `must have at most ${maximum} bytes; it has ${length}`);
  }
  return copyBytes(value);
}
