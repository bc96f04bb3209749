import type { ContainerModule } from 'inversify';
import { InvalidInputError } from '../provider/errors.js';
import { openKeyWrapProvider, type ProviderScheme } from '../tools/open.js';
import { type KeyWrapModuleOptions, keyWrapModule } from './key-wrap-module.js';

/** Where the URL comes from, and what it may name. */
export interface UrlKeyWrapModuleOptions extends KeyWrapModuleOptions {
  /** By default the environment variable `KEYWRAP_URL`, read when the provider is opened. */
  readonly url?: string | URL | undefined;
  /** What the URL can open: those of the provider packages, and anybody's own. */
  readonly schemes: readonly ProviderScheme[];
}

/**
 * A module that binds the provider which a URL or the environment names. Resolve services with
 * `getAsync`: opening is asynchronous, and rejects with {@link InvalidInputError} when there is no URL
 * or nothing opens it.
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
