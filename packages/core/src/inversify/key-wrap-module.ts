import { ContainerModule } from 'inversify';
import type { KeyWrapProvider } from '../provider/provider.js';
import { KEY_WRAP_PROVIDER } from './inject-key-wrap.js';

/** How a module binds its provider. */
export interface KeyWrapModuleOptions {
  /** Binds under this name, for `@injectKeyWrap(name)`; without it the container's one provider. */
  readonly name?: string | undefined;
}

/**
 * A module that binds a provider. The provider is opened when something first asks for it, once, and
 * closed when the module is unloaded or the binding removed: with `unloadAsync`, `unbindAsync` or
 * `unbindAllAsync`, because closing waits for the calls under way.
 *
 * @param open Makes the provider. Where it gives a promise, resolve services with `getAsync`; that
 * works for every provider.
 * A promise that rejects stays rejected, as inversify keeps it: try again with a new container.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { KEY_WRAP_PROVIDER, keyWrapModule } from '@keywrap/core/inversify';
 * import { Container } from 'inversify';
 *
 * declare function openMyProvider(): Promise<KeyWrapProvider>;
 *
 * const container = new Container();
 * container.load(keyWrapModule(openMyProvider));
 * const provider = await container.getAsync(KEY_WRAP_PROVIDER);
 * ```
 */
export function keyWrapModule(
  open: () => KeyWrapProvider | Promise<KeyWrapProvider>,
  { name }: KeyWrapModuleOptions = {},
): ContainerModule {
  return new ContainerModule(({ bind }) => {
    const binding = bind(KEY_WRAP_PROVIDER)
      .toDynamicValue(open)
      .inSingletonScope()
      .onDeactivation((provider) => provider.close());
    if (name === undefined) binding.whenDefault();
    else binding.whenNamed(name);
  });
}
