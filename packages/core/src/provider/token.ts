/**
 * The service identifier of the provider, for any container that accepts a symbol. It is in the symbol registry, so
 * two copies of this package in one program share it.
 *
 * @example
 * ```ts
 * import { KEY_WRAP_PROVIDER, type KeyWrapProvider } from '@keywrap/core';
 *
 * declare const container: { register(token: symbol, value: unknown): void };
 * declare const provider: KeyWrapProvider;
 * container.register(KEY_WRAP_PROVIDER, provider);
 * ```
 */
export const KEY_WRAP_PROVIDER: unique symbol = Symbol.for('@keywrap/core:KeyWrapProvider');
