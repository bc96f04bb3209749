import { InvalidInputError, isPlainObject } from '@keywrap/core';

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
  /** On the way to the part that is written. */
  const names: PropertyKey[] = [];
  const inexactHere = (what: string) => {
    const pointer = names.map((name) => `/${escapeName(String(name))}`).join('');
    return inexact(field, `${path}${pointer}`, what);
  };
  const write = (part: unknown): string => {
    if (typeof part === 'string') return JSON.stringify(part);
    if (typeof part === 'boolean' || part === null) return String(part);
    if (typeof part === 'number' && Number.isFinite(part))
      return Object.is(part, -0) ? '-0' : `${part}`;
    if (typeof part !== 'object') throw inexactHere(nameOf(part));
    if (around.includes(part)) throw inexactHere('an object that contains itself');
    if (around.length === MAXIMUM_DEPTH) {
      names.length = 25;
      throw inexactHere(`nested deeper than ${MAXIMUM_DEPTH} levels`);
    }
    if (!isPlain(part)) throw inexactHere('an object of a class, such as Map or Date');
    around.push(part);
    const text = Array.isArray(part) ? writeArray(part) : writeObject(part);
    around.pop();
    return text;
  };
  const writeMember = (name: PropertyKey, member: unknown): string => {
    names.push(name);
    const text = write(member);
    names.pop();
    return text;
  };
  const writeArray = (array: readonly unknown[]): string => {
    if (Reflect.ownKeys(array).length !== array.length + 1) {
      throw inexactHere('an array with holes or with other properties');
    }
    const elements: string[] = [];
    for (let i = 0; i < array.length; i++) elements.push(writeMember(i, array[i]));
    return `[${elements.join(',')}]`;
  };
  const writeObject = (object: object): string => {
    const members = Reflect.ownKeys(object).map((name) => {
      if (typeof name === 'symbol' || !Object.prototype.propertyIsEnumerable.call(object, name)) {
        names.push(name);
        throw inexactHere('a property that JSON does not have');
      }
      return `${JSON.stringify(name)}:${writeMember(name, object[name as keyof typeof object])}`;
    });
    return `{${members.join(',')}}`;
  };
  return write(value);
}

/** RFC 6901 §3. */
function escapeName(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Tells whether an object or array is of no class: a literal's, of any realm, or an object without a prototype. */
export function isPlain(object: object): boolean {
  // The prototype of arrays is one, and that of a class of arrays is not.
  if (Array.isArray(object)) return Array.isArray(Object.getPrototypeOf(object));
  return isPlainObject(object);
}

function inexact(field: string, path: string, what: string): InvalidInputError {
  return new InvalidInputError(
    field,
    `has something at '${path}' that JSON can't carry exactly: ${what}; convert it first`,
  );
}

/** Names the kind of a value that is neither text, object nor a finite number; never the value, which may be a secret. */
function nameOf(part: unknown): string {
  if (typeof part !== 'number') return typeof part;
  return Number.isNaN(part) ? 'NaN' : 'an infinite number';
}
