import { type KeyWrapModuleOptions, keyWrapModule } from '@keywrap/core/inversify';
import type { ContainerModule } from 'inversify';
import type { VaultKeyWrapProviderOptions } from './options.js';
import { VaultKeyWrapProvider } from './provider.js';

/** Options of the provider and of its binding. */
export type VaultKeyWrapModuleOptions = VaultKeyWrapProviderOptions & KeyWrapModuleOptions;

/**
 * Makes a module that binds a {@link VaultKeyWrapProvider}. The provider is made once, when it is first resolved,
 * and closed when the module is unloaded (`unloadAsync`).
 *
 * @param options The provider's options, and `name` to bind it under a name. Resolving rejects with
 * `InvalidInputError` when an option is wrong.
 *
 * @example
 * ```ts
 * import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
 * import { vaultKeyWrapModule } from '@keywrap/provider-vault/inversify';
 * import { Container } from 'inversify';
 *
 * const container = new Container();
 * container.load(vaultKeyWrapModule({ address: 'https://vault.example.com:8200' }));
 * const keys = container.get(KEY_WRAP_PROVIDER);
 * ```
 */
export function vaultKeyWrapModule(options: VaultKeyWrapModuleOptions = {}): ContainerModule {
  const { name, ...providerOptions } = options;
  return keyWrapModule(() => new VaultKeyWrapProvider(providerOptions), { name });
}
