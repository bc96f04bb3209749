import type { KeyWrapProvider } from '@keywrap/core';

/** Makes the call, and may do something before and after it. */
export type Around = (
  name: string | symbol,
  call: () => unknown,
  input: readonly unknown[],
) => unknown;

/** Wraps each call of a provider in a function. */
export function intercept(provider: KeyWrapProvider, around: Around): KeyWrapProvider {
  // A new object: the methods of a frozen one can't be replaced.
  return new Proxy<KeyWrapProvider>(Object.create(provider), {
    get(_, name) {
      const value: unknown = Reflect.get(provider, name, provider);
      if (typeof value !== 'function') return value;
      return (...input: unknown[]) =>
        around(name, () => Reflect.apply(value, provider, input), input);
    },
  });
}
