import { serializationError } from './kms-error.js';

// The types of members in KMS's requests, with the constraints of its model
// (https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html). A shape first parses a JSON value
// into the form that handlers use, and then reports the constraints it violates: a wrong type is a
// SerializationException at once, violations are collected into one ValidationException.

/** Records a violated constraint; `shown` is the value in the message, if it may be quoted. */
export type Complain = (path: string, constraint: string, shown?: string) => void;

/** One kind of value. */
export interface Shape<Value> {
  /** @throws KmsError `SerializationException` for a value of another JSON type. */
  parse(value: unknown): Value;
  check(value: Value, path: string, complain: Complain): void;
}

/** The constraints of a member. */
export interface Limits {
  readonly min?: number;
  readonly max?: number;
  /** As in the model and in messages; the whole value must match. */
  readonly pattern?: string;
}

/** A string of `min` to `max` UTF-16 code units. */
export function string({ min = 0, max = Infinity, pattern = '' }: Limits = {}): Shape<string> {
  const whole = pattern === '' ? /^/ : new RegExp(`^(?:${pattern})$`);
  return {
    parse: parseString,
    check(value, path, complain) {
      if (value.length > max) complain(path, atMost('length', max), value);
      if (value.length < min) complain(path, atLeast('length', min), value);
      if (!whole.test(value)) {
        complain(path, `satisfy regular expression pattern: ${pattern}`, value);
      }
    },
  };
}

/** One of the words of an enumeration. */
export function oneOf<const Word extends string>(...words: readonly Word[]): Shape<Word> {
  const known: ReadonlySet<string> = new Set(words);
  return {
    parse: (value) => parseString(value) as Word,
    check(value, path, complain) {
      if (known.has(value)) return;
      complain(path, `satisfy enum value set: [${words.join(', ')}]`, value);
    },
  };
}

/** Bytes, which JSON carries in base64. Messages never quote them: they may be secret. */
export function blob({ min, max }: { readonly min: number; readonly max: number }): Shape<Buffer> {
  return {
    parse: parseBase64,
    check(value, path, complain) {
      if (value.length > max) complain(path, atMost('length', max));
      if (value.length < min) complain(path, atLeast('length', min));
    },
  };
}

/** A whole number. */
export function integer({
  min,
  max,
}: {
  readonly min: number;
  readonly max: number;
}): Shape<number> {
  return {
    parse(value) {
      if (typeof value === 'number' && Number.isInteger(value)) return value;
      throw mismatch(value, 'an Integer');
    },
    check(value, path, complain) {
      if (value > max) complain(path, atMost('value', max), String(value));
      if (value < min) complain(path, atLeast('value', min), String(value));
    },
  };
}

/** `true` or `false`. */
export const boolean: Shape<boolean> = {
  parse(value) {
    if (typeof value === 'boolean') return value;
    throw mismatch(value, 'a Boolean');
  },
  check() {},
};

/** A time in the JSON protocol: seconds since 1970, with fractions. */
export const timestamp: Shape<Date> = {
  parse(value) {
    const time = new Date(typeof value === 'number' ? value * 1000 : Number.NaN);
    if (!Number.isNaN(time.getTime())) return time;
    throw mismatch(value, 'a Timestamp');
  },
  check() {},
};

/** A list; messages count its members from 1. */
export function list<Value>(
  member: Shape<Value>,
  { min = 0, max = Infinity }: Limits = {},
): Shape<readonly Value[]> {
  return {
    parse(value) {
      if (!Array.isArray(value)) throw mismatch(value, 'a List');
      return value.map((item) => member.parse(item));
    },
    check(values, path, complain) {
      if (values.length > max) complain(path, atMost('length', max));
      if (values.length < min) complain(path, atLeast('length', min));
      values.forEach((value, index) => {
        member.check(value, `${path}.${index + 1}.member`, complain);
      });
    },
  };
}

/** A map of strings to strings. Kept as JSON.parse made it: `__proto__` is an own property like any other. */
export const stringMap: Shape<Readonly<Record<string, string>>> = {
  parse(value) {
    if (!isObject(value)) throw mismatch(value, 'a Map');
    for (const key of Object.keys(value)) parseString(value[key]);
    return value as Record<string, string>;
  },
  check() {},
};

/** Tells whether this is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Words the constraint for a number or length that is too large. */
export function atMost(what: 'length' | 'value', limit: number): string {
  return `have ${what} less than or equal to ${limit}`;
}

/** Words the constraint for a number or length that is too small. */
export function atLeast(what: 'length' | 'value', limit: number): string {
  return `have ${what} greater than or equal to ${limit}`;
}

/** Makes the error for a JSON value of the wrong type. It names the type, not the value, which may be secret. */
export function mismatch(value: unknown, wanted: string) {
  const found = value === null ? 'NULL' : Array.isArray(value) ? 'LIST' : typeof value;
  return serializationError(`${found.toUpperCase()}_VALUE can not be converted to ${wanted}`);
}

function parseString(value: unknown): string {
  if (typeof value === 'string') return value;
  throw mismatch(value, 'a String');
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function parseBase64(value: unknown): Buffer {
  const text = parseString(value);
  if (text.length % 4 === 0 && BASE64.test(text)) return Buffer.from(text, 'base64');
  throw serializationError('a member of the request is not valid base64');
}
