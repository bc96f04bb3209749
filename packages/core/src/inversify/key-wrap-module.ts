import { ContainerModule } from 'inversify';
import { ownDriverOf } from '../calls/driver-provider.js';
import { isPromise } from '../driver/is-promise.js';
import { UnsupportedOperationError } from '../provider/errors.js';
import { platformTimers } from '../provider/platform-timers.js';
import type { KeyWrapProvider } from '../provider/provider.js';
import { KEY_WRAP_PROVIDER } from './inject-key-wrap.js';
import { synchronousCall } from './synchronous-call.js';

/** Options of a module that binds a provider. */
export interface KeyWrapModuleOptions {
  /** Binds under this name, for `@injectKeyWrap(name)`; by default, as the container's unnamed provider. */
  readonly name?: string | undefined;
}

/**
 * Makes a module that binds a provider. The provider is opened once, when it is first resolved, and closed
 * when the module is unloaded or the binding removed: with `unloadAsync`, `unbindAsync` or `unbindAllAsync`,
 * because closing waits for the calls in progress. Their synchronous counterparts throw, and leave it open and bound.
 * Other services may use it in `@preDestroy`, in consecutive calls; unbind a service first if it awaits something
 * else in between.
 *
 * @param open Makes the provider. If it returns a promise, resolve services with `getAsync`, which
 * works for every provider. If it fails, the next resolution tries again.
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
    let closing: Promise<void> | undefined;
    const openOnce = () => {
      if (opened !== undefined) return opened;
      const opening = open();
      opened = opening;
      if (!isPromise(opening)) return opening;
      return opening.then(
        (provider) => (opened = provider),
        (error) => {
          opened = undefined;
          throw error;
        },
      );
    };
    // Not an inversify singleton: it would keep a rejected promise, and could then not be unbound.
    const binding = bind(KEY_WRAP_PROVIDER)
      .toDynamicValue((context) => {
        context.get(KEY_WRAP_PROVIDER, { name: removal });
        return openOnce();
      })
      .inTransientScope();
    if (name === undefined) binding.whenDefault();
    else binding.whenNamed(name);
    // Resolved once, under a private symbol, so that inversify reports when the binding is removed.
    const removal = Symbol('removal');
    bind(KEY_WRAP_PROVIDER)
      .toConstantValue({} as KeyWrapProvider)
      .whenNamed(removal)
      .onDeactivation(() => {
        if (opened === undefined) return;
        const method = synchronousCall();
        if (method !== undefined) {
          throw new UnsupportedOperationError(
            `${method}() can't close a provider, which is asynchronous; it stays bound. Call ${method}Async()`,
          );
        }
        closing ??= closeWhenUnused(opened)
          .then(() => {
            // A container that was restored opens it again.
            opened = undefined;
          })
          .finally(() => {
            closing = undefined;
          });
        return closing;
      });
  });
}

/**
 * inversify deactivates all services at once, in the order in which they were bound. The provider is closed
 * after an event loop turn without calls, so that other services can still use it.
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
    await new Promise<void>((resolve) => platformTimers.setTimeout(resolve));
  } while (lifetime?.isInUse);
  await provider.close();
}
