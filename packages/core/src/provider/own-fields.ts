/** Makes an object that inherits nothing from Object.prototype; faster to fill than one without a prototype. */
export class Nothing {}
Object.setPrototypeOf(Nothing.prototype, null);

/** Copies a date, of any realm; undefined for anything else. */
export function copyDate(value: unknown): Date | undefined {
  try {
    return new Date(Date.prototype.getTime.call(value));
  } catch {
    return undefined;
  }
}

/** Reads an object's own optional field, never one of a polluted `Object.prototype`. */
export function ownField<Fields extends object, Name extends keyof Fields>(
  fields: Fields,
  name: Name,
): Fields[Name] | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/**
 * Copies an object's own fields into one that inherits nothing from a polluted `Object.prototype`. Use it for
 * objects with optional fields.
 *
 * @param fields Each getter is called once.
 *
 * @example
 * ```ts
 * import { ownFields } from '@keywrap/core';
 *
 * const { endpoint = 'the default' } = ownFields<{ endpoint?: string }>({});
 * ```
 */
export function ownFields<Fields extends object>(fields: Fields): Fields {
  return Object.assign(new Nothing(), fields) as Fields;
}

/** Returns the fields as {@link ownFields} does: the object itself if it inherits nothing already. */
export function withoutInherited<Fields extends object>(fields: Fields): Fields {
  return fields instanceof Nothing ? fields : ownFields(fields);
}
