import { type KeyWrapModuleOptions, keyWrapModule } from '@keywrap/core/inversify';
import type { ContainerModule } from 'inversify';
import type { GcpKeyWrapProviderOptions } from './options.js';
import { GcpKeyWrapProvider } from './provider.js';

/** Options of the provider and of its binding. */
export type GcpKeyWrapModuleOptions = GcpKeyWrapProviderOptions & KeyWrapModuleOptions;

/**
 * Makes a module that binds a {@link GcpKeyWrapProvider}. The provider is made once, when it is first resolved, and
 * closed when the module is unloaded (`unloadAsync`).
 *
 * @param options The provider's options, and `name` to bind it under a name. Resolving rejects with
 * `InvalidInputError` when an option is wrong.
 *
 * @example
 * ```ts
 * import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
 * import { gcpKeyWrapModule } from '@keywrap/provider-gcp/inversify';
 * import { Container } from 'inversify';
 *
 * const container = new Container();
 * const place = { project: 'my-project', location: 'europe-west1', keyRing: 'my-ring' };
 * container.load(gcpKeyWrapModule(place));
 * const keys = container.get(KEY_WRAP_PROVIDER);
 * ```
 */
export function gcpKeyWrapModule(options: GcpKeyWrapModuleOptions): ContainerModule {
  const { name, ...providerOptions } = options;
  return keyWrapModule(() => new GcpKeyWrapProvider(providerOptions), { name });
}
