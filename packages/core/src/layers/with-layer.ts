import { createProvider, DriverProvider, ownDriverOf } from '../calls/driver-provider.js';
import { FUNCTION_NAMES, type Layer } from '../driver/driver.js';
import { assertFunction, assertMethods } from '../provider/assert-provider.js';
import type { KeyWrapProvider } from '../provider/provider.js';
import { driverOf } from './adapt-provider.js';

/**
 * Puts a layer around a provider. Calls are checked once, above all layers.
 *
 * @param provider Closed with the provider that is returned.
 * @returns A provider of the same class if it was built from a driver. From any other provider, or one with
 * overridden or stubbed methods, only the methods of `KeyWrapProvider` remain.
 * @throws {@link InvalidInputError} when the provider or the layer is none, or the layer drops a function.
 *
 * @example
 * ```ts
 * import { type KeyWrapProvider, type Layer, withLayer } from '@keywrap/core';
 *
 * // Warns of keys that are named by an id, which says nothing to a reader of the log.
 * const warnOfKeyIds =
 *   (warn: (text: string) => void): Layer =>
 *   (inner) => ({
 *     ...inner,
 *     encrypt(request, call) {
 *       if (request.key.kind === 'key-id') warn(`encrypts under ${request.key.text}`);
 *       return inner.encrypt(request, call);
 *     },
 *   });
 *
 * const warned = (provider: KeyWrapProvider) => withLayer(provider, warnOfKeyIds(console.warn));
 * ```
 */
export function withLayer<Provider extends KeyWrapProvider>(
  provider: Provider,
  layer: Layer,
): Provider {
  assertFunction(layer, 'layer');
  const layered = layer(driverOf(provider));
  const rule = 'must return a whole driver, such as { ...inner, decrypt }';
  assertMethods(layered, FUNCTION_NAMES, 'layer', rule);
  if (ownDriverOf(provider) === undefined) {
    return createProvider(layered) as KeyWrapProvider as Provider;
  }
  return Reflect.construct(DriverProvider, [layered], provider.constructor);
}
