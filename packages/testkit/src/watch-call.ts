import type { KeyWrapProvider } from '@keywrap/core';
import type { KeyUse } from './key-uses.js';

/** Makes the call, and may do something before and after it. */
export type Watch = (call: () => unknown, input: readonly unknown[]) => unknown;

/** The same provider, with somebody who sees what one operation is given, at the moment of the call. */
export function watchCall(
  provider: KeyWrapProvider,
  operation: KeyUse['operation'],
  watch: Watch,
): KeyWrapProvider {
  return new Proxy(provider, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...input: unknown[]) => {
        const call = () => Reflect.apply(value, target, input);
        return name === operation ? watch(call, input) : call();
      };
    },
  });
}
