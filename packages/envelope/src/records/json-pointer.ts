import { InvalidInputError, readArray } from '@keywrap/core';
import { isPlain } from '../text/exact-json.js';

/** A place in a copy of a record: the object that has the field, and its name there. */
export interface Place {
  /** Its JSON Pointer. */
  readonly path: string;
  readonly owner: Record<string, unknown>;
  readonly name: string;
}

/**
 * Reads the paths of a call: JSON Pointers (RFC 6901), none of which is in another.
 *
 * @throws InvalidInputError
 */
export function readPointers(value: unknown): readonly string[] {
  const isPointer = (path: unknown): path is string =>
    typeof path === 'string' && path.length <= 1000 && /^(\/([^~/]|~[01])*)+$/u.test(path);
  const paths = readArray(value, 1000) ?? [];
  if (paths.length === 0) {
    throw new InvalidInputError('fields', 'must be an array of 1 to 1000 JSON Pointers');
  }
  if (!paths.every(isPointer)) {
    throw new InvalidInputError(
      'fields',
      "must be JSON Pointers (RFC 6901), such as '/address/street'",
    );
  }
  paths.forEach((path, i) => {
    if (paths.some((other, j) => i !== j && `${path}/`.startsWith(`${other}/`))) {
      throw new InvalidInputError('fields', `has '${path}' twice, or in another field`);
    }
  });
  return paths;
}

/**
 * Copies a record, and in it what is on the way to the fields, so that these can be replaced. Everything else stays what it
 * is.
 *
 * @throws InvalidInputError if the record does not have a field, or an object on the way to it is of a class.
 */
export function copyWithFields(
  record: unknown,
  pointers: readonly string[],
): { readonly copy: Record<string, unknown>; readonly places: readonly Place[] } {
  if (typeof record !== 'object' || record === null || Array.isArray(record) || !isPlain(record)) {
    throw new InvalidInputError('record', 'must be a plain object');
  }
  const copies = new Set<unknown>();
  const shallowCopy = <Value extends object>(value: Value): Value => {
    const copy = (Array.isArray(value) ? value.slice() : { ...value }) as Value;
    copies.add(copy);
    return copy;
  };
  const copy = shallowCopy(record) as Record<string, unknown>;
  const places = pointers.map((pointer): Place => {
    const names = pointer.slice(1).split('/').map(unescapeName);
    const last = names.pop() as string;
    let owner = copy;
    for (const name of names) {
      const inner = ownObject(owner, name, pointer);
      if (!copies.has(inner)) owner[name] = shallowCopy(inner);
      owner = owner[name] as Record<string, unknown>;
    }
    if (!hasField(owner, last)) throw missing(pointer);
    return { path: pointer, owner, name: last };
  });
  return { copy, places };
}

function ownObject(owner: Record<string, unknown>, name: string, pointer: string): object {
  const inner = hasField(owner, name) ? owner[name] : undefined;
  if (typeof inner !== 'object' || inner === null) throw missing(pointer);
  if (isPlain(inner)) return inner;
  throw new InvalidInputError('record', `has an object of a class on the way to '${pointer}'`);
}

/** An array has its elements, by indexes as RFC 6901 §4 writes them, and not its length. */
function hasField(owner: object, name: string): boolean {
  return Object.hasOwn(owner, name) && (!Array.isArray(owner) || /^(0|[1-9]\d*)$/.test(name));
}

function missing(pointer: string): InvalidInputError {
  return new InvalidInputError(
    'record',
    `has no field '${pointer}'; null is a value, a missing field is none`,
  );
}

/** RFC 6901 §4: "~1" first, then "~0". */
function unescapeName(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}
