import { type KeyWrapModuleOptions, keyWrapModule } from '@keywrap/core/inversify';
import type { ContainerModule } from 'inversify';
import type { AzureKeyWrapProviderOptions } from './options.js';
import { AzureKeyWrapProvider } from './provider.js';

/** Options of the provider and of its binding. */
export type AzureKeyWrapModuleOptions = AzureKeyWrapProviderOptions & KeyWrapModuleOptions;

/**
 * Makes a module that binds an {@link AzureKeyWrapProvider}. The provider is made once, when it is first resolved, and
 * closed when the module is unloaded (`unloadAsync`).
 *
 * @param options The provider's options, and `name` to bind it under a name. Resolving rejects with
 * `InvalidInputError` when an option is wrong.
 *
 * @example
 * ```ts
 * import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
 * import { azureKeyWrapModule } from '@keywrap/provider-azure/inversify';
 * import { Container } from 'inversify';
 *
 * const container = new Container();
 * container.load(azureKeyWrapModule({ vaultUrl: 'https://my-vault.vault.azure.net' }));
 * const keys = container.get(KEY_WRAP_PROVIDER);
 * ```
 */
export function azureKeyWrapModule(options: AzureKeyWrapModuleOptions): ContainerModule {
  const { name, ...providerOptions } = options;
  return keyWrapModule(() => new AzureKeyWrapProvider(providerOptions), { name });
}
