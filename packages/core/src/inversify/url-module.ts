import type { ContainerModule } from 'inversify';
import { InvalidInputError } from '../provider/errors.js';
import { openKeyWrapProvider, type ProviderScheme } from '../tools/open.js';
import { type KeyWrapModuleOptions, keyWrapModule } from './key-wrap-module.js';

/** The source of the URL, and its supported schemes. */
export interface UrlKeyWrapModuleOptions extends KeyWrapModuleOptions {
  /** By default the environment variable `KEYWRAP_URL`, read when the provider is opened. */
  readonly url?: string | URL | undefined;
  /** The supported schemes: those of the provider packages, and your own. */
  readonly schemes: readonly ProviderScheme[];
}

/**
 * Makes a module that binds the provider named by a URL or by the environment. Resolve services with
 * `getAsync`: opening is asynchronous, and rejects with {@link InvalidInputError} when there is no URL
 * or its scheme is not supported.
 *
 * @example
 * ```ts
 * import type { ProviderScheme } from '@keywrap/core';
 * import { KEY_WRAP_PROVIDER, urlKeyWrapModule } from '@keywrap/core/inversify';
 * import { Container } from 'inversify';
 *
 * async function open(schemes: ProviderScheme[]) {
 *   const container = new Container();
 *   container.load(urlKeyWrapModule({ schemes })); // KEYWRAP_URL=aws-kms://eu-west-1
 *   return container.getAsync(KEY_WRAP_PROVIDER);
 * }
 * ```
 */
export function urlKeyWrapModule({ url, schemes, name }: UrlKeyWrapModuleOptions): ContainerModule {
  return keyWrapModule(
    async () => {
      const address = url ?? process.env.KEYWRAP_URL;
      if (address === undefined) {
        throw new InvalidInputError('url', 'is missing: pass it, or set KEYWRAP_URL');
      }
      return openKeyWrapProvider(address, schemes);
    },
    { name },
  );
}
