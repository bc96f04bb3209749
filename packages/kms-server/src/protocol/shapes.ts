import { ownFields } from '@keywrap/core';
import { serializationError } from './kms-error.js';
import { type ModelShape, type ModelShapes, SHAPES } from './model.js';

// A shape first parses a JSON value into the form that handlers use, and then reports the constraints of the
// model that it violates: a wrong type is a SerializationException at once, violations are collected into one
// ValidationException.

/** Records a violated constraint; `shown` is the value in the message, if it may be quoted. */
export type Complain = (path: string, constraint: string, shown?: string) => void;

/** One kind of value. */
export interface Shape<Value = unknown> {
  /** @throws KmsError `SerializationException` for a value of another JSON type. */
  parse(value: unknown): Value;
  check(value: Value, path: string, complain: Complain): void;
}

/** The constraint of a required member. */
export const NOT_NULL = 'not be null';

/**
 * Prepares a shape of the model, once for all requests.
 *
 * @param shapes By default the model of AWS KMS.
 */
export function shapeNamed(name: string, shapes: ModelShapes = SHAPES): Shape {
  const shape = shapes[name] as ModelShape;
  const of = (part: string | undefined) => shapeNamed(part as string, shapes);
  switch (shape.type) {
    case 'structure':
      return structure(shape, of) as Shape;
    case 'list':
      return list(shape, of(shape.member)) as Shape;
    case 'string':
      return (shape.enum === undefined ? string(shape) : oneOf(shape.enum)) as Shape;
    case 'blob':
      return blob(shape) as Shape;
    case 'integer':
      return integer(shape) as Shape;
    case 'boolean':
      return boolean as Shape;
    case 'timestamp':
      return timestamp as Shape;
    case 'map':
      return stringMap as Shape;
  }
}

/** Members that the model does not have are ignored, as by AWS. */
function structure(
  { members = {}, required = [] }: ModelShape,
  of: (name: string) => Shape,
): Shape<Readonly<Record<string, unknown>>> {
  const all = Object.entries(members).map(([name, shape]) => ({
    name,
    /** Its name in messages: `keyId` for `KeyId`. */
    path: name[0]?.toLowerCase() + name.slice(1),
    shape: of(shape),
    isRequired: required.includes(name),
  }));
  return {
    parse(value) {
      if (!isObject(value)) throw mismatch(value, 'a Structure');
      const result: Record<string, unknown> = ownFields({});
      for (const { name, shape } of all) {
        const member = Object.hasOwn(value, name) ? value[name] : undefined;
        if (member !== undefined && member !== null) result[name] = shape.parse(member);
      }
      return result;
    },
    check(values, path, complain) {
      for (const member of all) {
        const memberPath = path === '' ? member.path : `${path}.${member.path}`;
        const value = values[member.name];
        if (value !== undefined) member.shape.check(value, memberPath, complain);
        else if (member.isRequired) complain(memberPath, NOT_NULL);
      }
    },
  };
}

/** Messages count the items from 1. */
function list(limits: ModelShape, member: Shape): Shape<readonly unknown[]> {
  return {
    parse(value) {
      if (!Array.isArray(value)) throw mismatch(value, 'a List');
      return value.map((item) => member.parse(item));
    },
    check(values, path, complain) {
      checkLimits('length', values.length, limits, (constraint) => complain(path, constraint));
      values.forEach((value, index) => {
        member.check(value, `${path}.${index + 1}.member`, complain);
      });
    },
  };
}

/** Its length is counted in UTF-16 code units. */
function string({ pattern = '', sensitive = false, ...limits }: ModelShape): Shape<string> {
  const whole = new RegExp(pattern === '' ? '' : `^(?:${pattern})$`);
  return {
    parse: parseString,
    check(value, path, complain) {
      const shown = sensitive ? undefined : value;
      checkLimits('length', value.length, limits, (constraint) =>
        complain(path, constraint, shown),
      );
      if (whole.test(value)) return;
      complain(path, `satisfy regular expression pattern: ${pattern}`, shown);
    },
  };
}

function oneOf(words: readonly string[]): Shape<string> {
  const known: ReadonlySet<string> = new Set(words);
  return {
    parse: parseString,
    check(value, path, complain) {
      if (known.has(value)) return;
      complain(path, `satisfy enum value set: [${words.join(', ')}]`, value);
    },
  };
}

/** Bytes, which JSON carries in base64. Messages never quote them: they may be secret. */
function blob(limits: ModelShape): Shape<Buffer> {
  return {
    parse: parseBase64,
    check(value, path, complain) {
      checkLimits('length', value.length, limits, (constraint) => complain(path, constraint));
    },
  };
}

function integer(limits: ModelShape): Shape<number> {
  return {
    parse(value) {
      if (typeof value === 'number' && Number.isInteger(value)) return value;
      throw mismatch(value, 'an Integer');
    },
    check(value, path, complain) {
      checkLimits('value', value, limits, (constraint) =>
        complain(path, constraint, String(value)),
      );
    },
  };
}

const boolean: Shape<boolean> = {
  parse(value) {
    if (typeof value === 'boolean') return value;
    throw mismatch(value, 'a Boolean');
  },
  check() {},
};

/** A time in the JSON protocol: seconds since 1970, with fractions. */
const timestamp: Shape<Date> = {
  parse(value) {
    const time = new Date(typeof value === 'number' ? value * 1000 : Number.NaN);
    if (!Number.isNaN(time.getTime())) return time;
    throw mismatch(value, 'a Timestamp');
  },
  check() {},
};

/**
 * A map of strings to strings. Numbers and booleans are taken as strings
 * ([encryption context](https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html)). It is
 * kept as JSON.parse made it: `__proto__` is an own property like any other.
 */
const stringMap: Shape<Readonly<Record<string, string>>> = {
  parse(value) {
    if (!isObject(value)) throw mismatch(value, 'a Map');
    for (const key of Object.keys(value)) {
      const item = value[key];
      if (typeof item === 'string') continue;
      const text = typeof item === 'number' || typeof item === 'boolean' ? String(item) : item;
      Object.defineProperty(value, key, { value: parseString(text) });
    }
    return value as Record<string, string>;
  },
  check() {},
};

function checkLimits(
  what: 'length' | 'value',
  value: number,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: ModelShape,
  complain: (constraint: string) => void,
): void {
  if (value > max) complain(`have ${what} less than or equal to ${max}`);
  if (value < min) complain(`have ${what} greater than or equal to ${min}`);
}

/** Tells whether this is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Makes the error for a JSON value of the wrong type. It names the type, not the value, which may be secret. */
function mismatch(value: unknown, wanted: string) {
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
