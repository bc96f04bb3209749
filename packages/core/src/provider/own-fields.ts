/** An object that inherits nothing from Object.prototype; quicker to fill than one without a prototype. */
export class Nothing {}
Object.setPrototypeOf(Nothing.prototype, null);

/** A field of an object that may not have it, in no case from a polluted `Object.prototype`. */
export function ownField<Fields extends object, Name extends keyof Fields>(
  fields: Fields,
  name: Name,
): Fields[Name] | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/**
 * Copies an object so that it has the fields that it has, and no others: one that was left out is not
 * lent by an `Object.prototype` that somebody has polluted. For whatever is asked for fields that it may
 * not have, with `in` or a default value.
 *
 * @param fields What its getters give is copied once.
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
