import type { OwnedBytes } from './bytes.js';
import { InvalidInputError } from './errors.js';
import { LIMITS } from './key-spec.js';

/**
 * Pairs of strings that a ciphertext is bound to: decrypting needs exactly the same pairs. They are not secret,
 * not stored in the ciphertext, and authenticated with it
 * ([AWS KMS](https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html)).
 */
export type EncryptionContext = Readonly<Record<string, string>>;

/** Made when it is needed: a simulated browser may have none, and a test may only import this package there. */
let encoder: InstanceType<typeof TextEncoder> | undefined;

/**
 * Copies an untrusted encryption context, reading it once, into a frozen object without a prototype.
 *
 * Rejects `__proto__` as a key: JavaScript code on the way (an SDK's serialiser, an object spread) loses it
 * silently, and the ciphertext would be bound to less than the caller expects.
 *
 * @param value `undefined` means the empty context.
 * @param field The name of the input in errors.
 * @param maximum The longest serialised length in bytes, at most 8192.
 * @throws {@link InvalidInputError} when it isn't a plain object of well-formed strings, or is longer
 * than that when serialised.
 */
export function readEncryptionContext(
  value: unknown,
  field = 'encryptionContext',
  maximum: number = LIMITS.encryptionContext,
): EncryptionContext {
  if (value === undefined) return NONE;
  const known = pairsOf(value);
  const pairs = known ?? readPairs(value, field);
  if (pairs.length > maximum) throw tooLong(field, maximum);
  if (known !== undefined) return value as EncryptionContext;
  if (pairs.names.length === 0) return NONE;
  if (pairs !== last.pairs) last = { pairs, context: Object.freeze(contextOf(pairs)) };
  return last.context;
}

/**
 * Serialises an encryption context the way the AWS Encryption SDK does for its message header
 * ([AAD](https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html#header-aad)):
 * the number of pairs, then each key and value with its length before it, all lengths two bytes
 * big-endian, pairs sorted by the UTF-8 bytes of their keys. The empty context is zero bytes.
 *
 * Different contexts always have different bytes: `{ ab: 'c' }` and `{ a: 'bc' }`, for example.
 *
 * @throws {@link InvalidInputError} for what {@link readEncryptionContext} rejects: text that is too long for its
 * length prefix, or that UTF-8 can't encode, would have another context's bytes.
 *
 * @example
 * ```ts
 * import { serializeEncryptionContext } from '@keywrap/core';
 *
 * serializeEncryptionContext({ a: 'bc' }); // 00 01  00 01 61  00 02 62 63
 * ```
 */
export function serializeEncryptionContext(context: EncryptionContext): OwnedBytes {
  const { names, values, length } = pairsOf(context) ?? readPairs(context, 'encryptionContext');
  if (names.length === 0) return new Uint8Array();
  const order = names.map((_, i) => i);
  const compare = (a: number, b: number) =>
    compareCodePoints(names[a] as string, names[b] as string);
  // Sorting takes most of the time, and most contexts are in order.
  if (order.some((i) => i > 0 && compare(i - 1, i) > 0)) order.sort(compare);
  const bytes = new Uint8Array(length);
  let offset = writeUint16(bytes, 0, names.length);
  for (const i of order) {
    offset = writeText(bytes, offset, names[i] as string);
    offset = writeText(bytes, offset, values[i] as string);
  }
  return bytes;
}

/** The pairs of an encryption context, each read once, and their serialised length. */
interface Pairs {
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly length: number;
}

let pairsOf: (value: unknown) => Pairs | undefined;

/** A parsed context, whose pairs are not read again to serialise it. It inherits nothing. */
class ReadContext {
  readonly #pairs: Pairs;

  constructor(pairs: Pairs) {
    this.#pairs = pairs;
  }

  static {
    pairsOf = (value) =>
      typeof value === 'object' && value !== null && #pairs in value ? value.#pairs : undefined;
  }
}
Object.setPrototypeOf(ReadContext.prototype, null);
Reflect.deleteProperty(ReadContext.prototype, 'constructor');

const NONE: EncryptionContext = Object.freeze(contextOf({ names: [], values: [], length: 0 }));

/** The context that was parsed last: services often use one context several times in a row. */
let last: { readonly pairs: Pairs; readonly context: EncryptionContext } = {
  pairs: pairsOf(NONE) as Pairs,
  context: NONE,
};

function isSame(names: readonly string[], values: readonly string[], pairs: Pairs): boolean {
  if (names.length !== pairs.names.length) return false;
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== pairs.names[i] || values[i] !== pairs.values[i]) return false;
  }
  return true;
}

function contextOf(pairs: Pairs): EncryptionContext {
  const context = new ReadContext(pairs) as object as Record<string, string>;
  const { names, values } = pairs;
  for (let i = 0; i < names.length; i++) context[names[i] as string] = values[i] as string;
  return context;
}

/** @throws {@link InvalidInputError} */
function readPairs(value: unknown, field: string): Pairs {
  if (!isPlainObject(value)) {
    throw new InvalidInputError(field, 'must be a plain object of strings');
  }
  const names = Object.getOwnPropertyNames(value);
  // Each pair takes at least its two length prefixes, so this many can't fit.
  if (names.length > LIMITS.encryptionContext / 4) throw tooLong(field);
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new InvalidInputError(field, 'must not have symbol keys');
  }
  const values = new Array<string>(names.length);
  let characters = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (name === '__proto__') {
      throw new InvalidInputError(field, "must not have the key '__proto__'");
    }
    const text: unknown = (value as Record<string, unknown>)[name];
    if (typeof text !== 'string') {
      throw new InvalidInputError(field, `must hold strings only; key ${quote(name)} does not`);
    }
    characters += name.length + text.length;
    if (characters > LIMITS.encryptionContext) throw tooLong(field);
    values[i] = text;
  }
  return isSame(names, values, last.pairs) ? last.pairs : measured(names, values, field);
}

/** @throws {@link InvalidInputError} for text that is too long, or that UTF-8 can't encode. */
function measured(names: readonly string[], values: readonly string[], field: string): Pairs {
  let length = 2;
  for (let i = 0; i < names.length; i++) {
    const [name, text] = [names[i] as string, values[i] as string];
    if (!name.isWellFormed() || !text.isWellFormed()) {
      throw new InvalidInputError(
        field,
        `must be well-formed Unicode; key ${quote(name)} or its value has an unpaired surrogate`,
      );
    }
    length += 4 + utf8Length(name) + utf8Length(text);
    if (length > LIMITS.encryptionContext) throw tooLong(field);
  }
  return { names, values, length };
}

/**
 * Compares in the order of UTF-8 bytes, which is that of code points. JavaScript sorts strings by UTF-16 code units,
 * which puts U+1F600 before U+FF5E.
 */
function compareCodePoints(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const [unitA, unitB] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (unitA === unitB) continue;
    // Surrogates encode the code points above those of a single code unit.
    const order = Number(isSurrogate(unitA)) - Number(isSurrogate(unitB));
    return order || unitA - unitB;
  }
  return a.length - b.length;
}

/** Writes the length of a text in UTF-8 and the text, and returns the offset after it. */
function writeText(bytes: Uint8Array, offset: number, text: string): number {
  const length = utf8Length(text);
  const start = writeUint16(bytes, offset, length);
  if (length > text.length) {
    encoder ??= new TextEncoder();
    encoder.encodeInto(text, bytes.subarray(start));
  } else {
    // ASCII, and contexts are mostly short: faster than a call to the encoder.
    for (let i = 0; i < length; i++) bytes[start + i] = text.charCodeAt(i);
  }
  return start + length;
}

function writeUint16(bytes: Uint8Array, offset: number, value: number): number {
  bytes[offset] = value >> 8;
  bytes[offset + 1] = value;
  return offset + 2;
}

/** Returns the length of a well-formed string in UTF-8. */
function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    length += unit < 0x80 ? 1 : unit < 0x800 || isSurrogate(unit) ? 2 : 3;
  }
  return length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** Tells whether a value is an object of no class: a literal's, of any realm, or one that inherits nothing. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  // By its shape: an object of another realm has a different Object.prototype, and a context that another copy of this
  // package parsed has an empty one. Any other prototype could hold pairs, which would be omitted silently.
  return (
    Object.getPrototypeOf(prototype) === null &&
    (Object.hasOwn(prototype, 'hasOwnProperty') || Reflect.ownKeys(prototype).length === 0)
  );
}

function tooLong(field: string, maximum: number = LIMITS.encryptionContext): InvalidInputError {
  return new InvalidInputError(
    field,
    `must serialise to at most ${maximum} bytes; bind to fewer or shorter pairs`,
  );
}

function quote(key: string): string {
  return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}...` : key);
}
