/** Makes the call, and may do something before and after it. */
export type Around = (
  name: string | symbol,
  call: () => unknown,
  input: readonly unknown[],
) => unknown;

/** Wraps each call of a method in a function. */
export function intercept<T extends object>(object: T, around: Around): T {
  // A new object: the methods of a frozen one can't be replaced.
  return new Proxy<T>(Object.create(object), {
    get(_, name) {
      const value: unknown = Reflect.get(object, name, object);
      if (typeof value !== 'function') return value;
      return (...input: unknown[]) =>
        around(name, () => Reflect.apply(value, object, input), input);
    },
  });
}
