import { inject, named, type ServiceIdentifier } from 'inversify';
import type { KeyWrapProvider } from '../provider/provider.js';
import { KEY_WRAP_PROVIDER as TOKEN } from '../provider/token.js';

/**
 * The service identifier under which modules bind the provider: that of `@keywrap/core`, with the type that
 * inversify reads from it.
 *
 * @example
 * ```ts
 * import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
 * import { Container } from 'inversify';
 *
 * const provider = (container: Container) => container.get(KEY_WRAP_PROVIDER);
 * ```
 */
export const KEY_WRAP_PROVIDER: ServiceIdentifier<KeyWrapProvider> = TOKEN;

/**
 * Injects the container's provider, or the one that was bound under a name.
 *
 * @param name The name that was passed to the module; by default, injects the unnamed provider.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { injectKeyWrap } from '@keywrap/core/inversify';
 * import { injectable } from 'inversify';
 *
 * @injectable()
 * class OrderService {
 *   constructor(
 *     @injectKeyWrap() private readonly keys: KeyWrapProvider,
 *     @injectKeyWrap('archive') private readonly archiveKeys: KeyWrapProvider,
 *   ) {}
 * }
 * ```
 */
export function injectKeyWrap(name?: string): ParameterDecorator & PropertyDecorator {
  return (target: object, key: string | symbol | undefined, index?: number) => {
    const decorators = [inject(KEY_WRAP_PROVIDER), ...(name === undefined ? [] : [named(name)])];
    for (const decorate of decorators) {
      if (index === undefined) (decorate as PropertyDecorator)(target, key as string | symbol);
      else (decorate as ParameterDecorator)(target, key, index);
    }
  };
}
