import { InvalidInputError } from '@keywrap/core';

/** A place in a record: the object that has the field, and its name there. */
interface Place {
  readonly owner: Record<string, unknown>;
  readonly name: string;
}

/**
 * Reads the paths of a call: JSON Pointers (RFC 6901), none of which is in another.
 *
 * @throws InvalidInputError
 */
export function readPointers(value: unknown): readonly string[] {
  const isPointer = (path: unknown) =>
    typeof path === 'string' && path.length <= 1000 && /^(\/([^~/]|~[01])*)+$/u.test(path);
  if (!Array.isArray(value) || value.length === 0 || value.length > 1000) {
    throw new InvalidInputError('fields', 'must be an array of 1 to 1000 JSON Pointers');
  }
  const paths = [...value];
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
 * Finds the field that a JSON Pointer names.
 *
 * @throws InvalidInputError if the record does not have it.
 */
export function findField(record: object, pointer: string): Place {
  const names = pointer.slice(1).split('/').map(unescapeName);
  const last = names.pop() as string;
  let owner: unknown = record;
  for (const name of names) owner = ownValue(owner, name);
  if (typeof owner === 'object' && owner !== null && Object.hasOwn(owner, last)) {
    return { owner: owner as Record<string, unknown>, name: last };
  }
  throw new InvalidInputError(
    'record',
    `has no field '${pointer}'; null is a value, a missing field is none`,
  );
}

function ownValue(owner: unknown, name: string): unknown {
  if (typeof owner !== 'object' || owner === null || !Object.hasOwn(owner, name)) return undefined;
  return (owner as Record<string, unknown>)[name];
}

/** RFC 6901 §4: "~1" first, then "~0". */
function unescapeName(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}

/**
 * Copies a record, so that its fields can be replaced.
 *
 * @throws InvalidInputError
 */
export function copyRecord(record: unknown): Record<string, unknown> {
  if (typeof record === 'object' && record !== null && !Array.isArray(record)) {
    try {
      return structuredClone(record) as Record<string, unknown>;
    } catch {
      // A function, for example; without the cause, which quotes it.
    }
  }
  throw new InvalidInputError('record', 'must be an object of JSON values');
}
