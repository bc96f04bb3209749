import { ContainerModule } from 'inversify';
import type { KeyWrapProvider } from '../provider/provider.js';
import { ownDriverOf } from '../runtime/driver-provider.js';
import { KEY_WRAP_PROVIDER } from './inject-key-wrap.js';

/** How a module binds its provider. */
export interface KeyWrapModuleOptions {
  /** Binds under this name, for `@injectKeyWrap(name)`; without it the container's one provider. */
  readonly name?: string | undefined;
}

/**
 * A module that binds a provider. The provider is opened when something first asks for it, once, and
 * closed when the module is unloaded or the binding removed: with `unloadAsync`, `unbindAsync` or
 * `unbindAllAsync`, because closing waits for the calls under way. Other services may use it in `@preDestroy`,
 * call after call; one that does something else in between is unbound first.
 *
 * @param open Makes the provider. Where it returns a promise, resolve services with `getAsync`; that
 * works for every provider. Where it fails, whatever asks next tries again.
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
    let opened: KeyWrapProvider | Promise<KeyWrapProvider> | undefined;
    const openOnce = () => {
      if (opened !== undefined) return opened;
      const opening = open();
      opened = opening;
      if (!(opening instanceof Promise)) return opening;
      return opening.then(
        (provider) => (opened = provider),
        (error) => {
          opened = undefined;
          throw error;
        },
      );
    };
    // Not a singleton of inversify, which keeps a promise that rejected and can't be unbound any more.
    const binding = bind(KEY_WRAP_PROVIDER)
      .toDynamicValue((context) => {
        context.get(KEY_WRAP_PROVIDER, { name: removal });
        return openOnce();
      })
      .inTransientScope();
    if (name === undefined) binding.whenDefault();
    else binding.whenNamed(name);
    // Hears when the binding is removed, because it was resolved once, by a name that nobody else has.
    const removal = Symbol('removal');
    bind(KEY_WRAP_PROVIDER)
      .toConstantValue({} as KeyWrapProvider)
      .whenNamed(removal)
      .onDeactivation(() => (opened === undefined ? undefined : closeWhenUnused(opened)));
  });
}

/**
 * inversify deactivates all services at once, in the order in which they were bound. So that others can still
 * use the provider, it is closed after a turn of the event loop in which nobody did.
 */
async function closeWhenUnused(opened: KeyWrapProvider | Promise<KeyWrapProvider>): Promise<void> {
  let provider: KeyWrapProvider;
  try {
    provider = await opened;
  } catch {
    return;
  }
  const lifetime = ownDriverOf(provider)?.lifetime;
  do {
    await lifetime?.idle();
    await new Promise((resolve) => setTimeout(resolve));
  } while (lifetime?.isInUse);
  await provider.close();
}
