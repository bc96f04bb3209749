import { type KeyWrapModuleOptions, keyWrapModule } from '@keywrap/core/inversify';
import type { ContainerModule } from 'inversify';
import type { Pkcs11KeyWrapProviderOptions } from './options.js';
import { Pkcs11KeyWrapProvider } from './provider.js';

/** Options of the provider and of its binding. */
export type Pkcs11KeyWrapModuleOptions = Pkcs11KeyWrapProviderOptions & KeyWrapModuleOptions;

/**
 * Makes a module that binds a {@link Pkcs11KeyWrapProvider}. The token is opened once, when the provider is first
 * resolved (`getAsync`), and closed when the module is unloaded (`unloadAsync`).
 *
 * @param options The provider's options, and `name` to bind it under a name. Resolving rejects with
 * `InvalidInputError` when an option is wrong.
 *
 * @example
 * ```ts
 * import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
 * import { pkcs11KeyWrapModule } from '@keywrap/provider-pkcs11/inversify';
 * import { Container } from 'inversify';
 *
 * const container = new Container();
 * container.load(pkcs11KeyWrapModule({ module: '/usr/lib/softhsm/libsofthsm2.so', pin: '1234' }));
 * const keys = await container.getAsync(KEY_WRAP_PROVIDER);
 * ```
 */
export function pkcs11KeyWrapModule(options: Pkcs11KeyWrapModuleOptions): ContainerModule {
  const { name, ...providerOptions } = options;
  return keyWrapModule(() => Pkcs11KeyWrapProvider.open(providerOptions), { name });
}
