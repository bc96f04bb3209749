import {
  InvalidInputError,
  type ProviderScheme,
  readUrlNumber,
  readUrlParameters,
  rejectUrlParts,
} from '@keywrap/core';
import { AzureKeyWrapProvider } from './provider.js';

/**
 * Opens a vault by URL: `azure://my-vault.vault.azure.net`, or `azure://my-hsm.managedhsm.azure.net`. It logs in with
 * `DefaultAzureCredential` of `@azure/identity`: never put credentials into a URL. The query parameter `requestTimeout` is the option.
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
    rejectUrlParts(url, ['username', 'password', 'hash'], 'azure://<name>.vault.azure.net');
    const { requestTimeout } = readUrlParameters(url, ['requestTimeout']);
    if (url.host === '' || !/^\/?$/.test(url.pathname)) {
      throw new InvalidInputError('url', 'must name a vault: azure://<name>.vault.azure.net');
    }
    return new AzureKeyWrapProvider({
      vaultUrl: `https://${url.host}`,
      requestTimeout: readUrlNumber(requestTimeout),
    });
  },
});
