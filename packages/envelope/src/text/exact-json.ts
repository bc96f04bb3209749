import { InvalidInputError } from '@keywrap/core';

/** How deep a value may be nested. */
const MAXIMUM_DEPTH = 1000;

/**
 * Writes a value as JSON, from which `JSON.parse` makes an equal value. `JSON.stringify` does not promise that: it leaves out
 * undefined, makes a Map an empty object, a Date a text and NaN null.
 *
 * @param field What the value is in an error.
 * @param path Its JSON Pointer (RFC 6901), with which an error starts.
 * @throws InvalidInputError that names the path of what JSON can't carry.
 */
export function writeExactJson(value: unknown, field: string, path = ''): string {
  const around: object[] = [];
  const write = (part: unknown, at: string): string => {
    if (typeof part === 'string') return JSON.stringify(part);
    if (typeof part === 'boolean' || part === null) return String(part);
    if (typeof part === 'number' && Number.isFinite(part))
      return Object.is(part, -0) ? '-0' : `${part}`;
    if (typeof part !== 'object') throw inexact(field, at, nameOf(part));
    if (around.includes(part)) throw inexact(field, at, 'an object that contains itself');
    if (around.length === MAXIMUM_DEPTH) {
      throw inexact(field, at.slice(0, 50), `nested deeper than ${MAXIMUM_DEPTH} levels`);
    }
    around.push(part);
    const text = Array.isArray(part) ? writeArray(part, at) : writeObject(part, at);
    around.pop();
    return text;
  };
  const writeArray = (array: unknown[], at: string): string => {
    if (Reflect.ownKeys(array).length !== array.length + 1) {
      throw inexact(field, at, 'an array with holes or with other properties');
    }
    return `[${array.map((element, i) => write(element, `${at}/${i}`)).join(',')}]`;
  };
  const writeObject = (object: object, at: string): string => {
    if (!isPlain(object)) throw inexact(field, at, 'an object of a class, such as Map or Date');
    const members = Reflect.ownKeys(object).map((name) => {
      const there = `${at}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (typeof name === 'symbol' || !Object.prototype.propertyIsEnumerable.call(object, name)) {
        throw inexact(field, there, 'a property that JSON does not have');
      }
      const member: unknown = object[name as keyof typeof object];
      return `${JSON.stringify(name)}:${write(member, there)}`;
    });
    return `{${members.join(',')}}`;
  };
  return write(value, path);
}

/** Tells whether an object is of no class: a literal's, of any realm, or one without a prototype. */
export function isPlain(object: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(object);
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  );
}

function inexact(field: string, path: string, what: string): InvalidInputError {
  return new InvalidInputError(
    field,
    `has something at '${path}' that JSON can't carry exactly: ${what}; convert it first`,
  );
}

/** Names numbers and what is no object; never a value that may be a secret. */
function nameOf(part: unknown): string {
  if (typeof part !== 'number') return typeof part;
  return Number.isNaN(part) ? 'NaN' : 'an infinite number';
}
