import { InvalidInputError, type ProviderScheme, readUrlParameters } from '@keywrap/core';
import { AzureKeyWrapProvider } from './provider.js';

/**
 * Opens a vault by URL: `azure://my-vault.vault.azure.net`, or `azure://my-hsm.managedhsm.azure.net`. It logs in with
 * `DefaultAzureCredential` of `@azure/identity`: never put credentials into a URL.
 *
 * Rejects with `InvalidInputError` (field `url`) when the URL has anything else.
 *
 * @example
 * ```ts
 * import { openKeyWrapProvider } from '@keywrap/core';
 * import { azureScheme } from '@keywrap/provider-azure';
 *
 * const keys = await openKeyWrapProvider('azure://my-vault.vault.azure.net', [azureScheme]);
 * ```
 */
export const azureScheme: ProviderScheme = Object.freeze({
  scheme: 'azure',
  async open(url: URL): Promise<AzureKeyWrapProvider> {
    // The error repeats none of these: one may be a password.
    for (const part of ['username', 'password', 'hash'] as const) {
      if (url[part] !== '') throw new InvalidInputError('url', `must not have a ${part}`);
    }
    readUrlParameters(url, []);
    if (url.host === '' || !/^\/?$/.test(url.pathname)) {
      throw new InvalidInputError('url', 'must name a vault: azure://<name>.vault.azure.net');
    }
    return new AzureKeyWrapProvider({ vaultUrl: `https://${url.host}` });
  },
});
