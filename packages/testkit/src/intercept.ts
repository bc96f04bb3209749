import type { KeyWrapProvider } from '@keywrap/core';

/** Makes the call, and may do something before and after it. */
export type Around = (
  name: string | symbol,
  call: () => unknown,
  input: readonly unknown[],
) => unknown;

/** The same provider, with somebody around each of its calls. */
export function intercept(provider: KeyWrapProvider, around: Around): KeyWrapProvider {
  // An object of its own: the methods of one that is frozen could not be replaced.
  return new Proxy<KeyWrapProvider>(Object.create(provider), {
    get(_, name) {
      const value: unknown = Reflect.get(provider, name, provider);
      if (typeof value !== 'function') return value;
      return (...input: unknown[]) =>
        around(name, () => Reflect.apply(value, provider, input), input);
    },
  });
}
