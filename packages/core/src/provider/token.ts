/**
 * The service identifier under which a container binds the provider, for any container that takes a symbol. From
 * the symbol registry, so that two copies of this package in one program agree on it.
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
