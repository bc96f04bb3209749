import { type KeyWrapModuleOptions, keyWrapModule } from '@keywrap/core/inversify';
import type { ContainerModule } from 'inversify';
import type { LocalKeyWrapOptions } from './options.js';
import { LocalKeyWrapProvider } from './provider.js';

/**
 * Returns a module that binds a {@link LocalKeyWrapProvider}, for tests and for running without a network.
 *
 * @example
 * ```ts
 * import { localKeyWrapModule } from '@keywrap/provider-local/inversify';
 * import { Container } from 'inversify';
 *
 * const container = new Container();
 * container.load(localKeyWrapModule({ keys: ['alias/orders'] }));
 * ```
 */
export function localKeyWrapModule({
  name,
  ...options
}: LocalKeyWrapOptions & KeyWrapModuleOptions = {}): ContainerModule {
  return keyWrapModule(() => new LocalKeyWrapProvider(options), { name });
}
