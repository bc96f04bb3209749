import { type KeyWrapModuleOptions, keyWrapModule } from '@keywrap/core/inversify';
import type { ContainerModule } from 'inversify';
import type { KmsKeyWrapProviderOptions } from './options.js';
import { KmsKeyWrapProvider } from './provider.js';

/** Options of the provider and of its binding. */
export type KmsKeyWrapModuleOptions = KmsKeyWrapProviderOptions & KeyWrapModuleOptions;

/**
 * Makes a module that binds a {@link KmsKeyWrapProvider}. The provider is made once, when it is first resolved,
 * and closed when the module is unloaded (`unloadAsync`).
 *
 * @param options The provider's options, and `name` to bind it under a name. Resolving rejects with
 * `InvalidInputError` when an option is wrong.
 *
 * @example
 * ```ts
 * import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
 * import { kmsKeyWrapModule } from '@keywrap/provider-kms/inversify';
 * import { Container } from 'inversify';
 *
 * const container = new Container();
 * container.load(kmsKeyWrapModule({ region: 'eu-west-1' }));
 * const keys = container.get(KEY_WRAP_PROVIDER);
 * ```
 */
export function kmsKeyWrapModule(options: KmsKeyWrapModuleOptions = {}): ContainerModule {
  const { name, ...providerOptions } = options;
  return keyWrapModule(() => new KmsKeyWrapProvider(providerOptions), { name });
}
