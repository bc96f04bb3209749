import { UnsupportedOperationError } from '@keywrap/core';

/** Writes a value as JSON, and parses it. */
export interface Field<Value> {
  write(value: Value): unknown;
  /** @throws {@link MALFORMED} for anything that `write` does not return. */
  read(json: unknown): Value;
}

/** Thrown for JSON that was not written here. */
export const MALFORMED = new Error('malformed');

/** @throws {@link MALFORMED} */
export function malformed(): never {
  throw MALFORMED;
}

export const text: Field<string> = {
  write: (value) => value,
  read: (json) => (typeof json === 'string' ? json : malformed()),
};

/** A string that a type guard accepts. */
export const name = <Name extends string>() => text as Field<string> as Field<Name>;

/** An integer from 1. */
export const count: Field<number> = {
  write: (value) => value,
  read: (json) => (Number.isSafeInteger(json) && Number(json) > 0 ? Number(json) : malformed()),
};

/** ISO 8601, in UTC and with milliseconds. */
export const date: Field<Date> = {
  write: (value) => value.toJSON(),
  read: (json) => {
    const value = new Date(text.read(json));
    return !Number.isNaN(value.getTime()) && value.toJSON() === json ? value : malformed();
  },
};

/** Base64 (RFC 4648 section 4). */
export const bytes: Field<Uint8Array> = {
  write: (value) => Buffer.from(value).toString('base64'),
  read: (json) => {
    const value = Buffer.from(text.read(json), 'base64');
    return value.toString('base64') === json ? new Uint8Array(value) : malformed();
  },
};

/** Omitted if undefined. */
export function optional<Value>(field: Field<Value>): Field<Value | undefined> {
  return {
    write: (value) => (value === undefined ? undefined : field.write(value)),
    read: (json) => (json === undefined ? undefined : field.read(json)),
  };
}

export function list<Value>(item: Field<Value>): Field<readonly Value[]> {
  return {
    write: (values) => values.map((value) => item.write(value)),
    read: (json) => (Array.isArray(json) ? json.map((one) => item.read(one)) : malformed()),
  };
}

/**
 * An object with exactly these fields: no others are written, none is inherited from a polluted
 * `Object.prototype`, and a parsed object has all of them.
 *
 * @throws UnsupportedOperationError when parsing a field that a newer release wrote: the next change
 * would lose it.
 */
export function object<Value extends object>(
  fields: {
    readonly [Name in keyof Value]: Field<Value[Name]>;
  },
): Field<Value> {
  const names = Object.keys(fields) as (keyof Value & string)[];
  return {
    write: (value) => Object.fromEntries(names.map((one) => [one, fields[one].write(value[one])])),
    read(json) {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) return malformed();
      const unknown = Object.keys(json).find((one) => !Object.hasOwn(fields, one));
      if (unknown !== undefined) {
        throw new UnsupportedOperationError(
          `the key store keeps ${JSON.stringify(unknown)}, which this release of keywrap does not know; use a newer release`,
        );
      }
      const own = (one: string) => (Object.hasOwn(json, one) ? json[one as never] : undefined);
      return Object.fromEntries(names.map((one) => [one, fields[one].read(own(one))])) as Value;
    },
  };
}
