const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Hides secret bytes from `console.log`, `util.inspect` and `JSON.stringify`, wherever they are printed
 * from. It marks the array itself and not the record around it: records are plain objects that stores
 * and servers spread into new ones, which would lose what hides a property.
 *
 * @returns The same array.
 */
export function hideBytes(bytes: Uint8Array): Uint8Array {
  if (!Object.hasOwn(bytes, inspect)) {
    Object.defineProperties(bytes, {
      toJSON: { value: () => undefined },
      [inspect]: { value: () => `[${bytes.length} secret bytes]` },
    });
  }
  return bytes;
}
