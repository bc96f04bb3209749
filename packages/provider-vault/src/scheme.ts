import {
  InvalidInputError,
  type ProviderScheme,
  readUrlNumber,
  readUrlParameters,
  rejectUrlParts,
} from '@keywrap/core';
import { VaultKeyWrapProvider } from './provider.js';

/**
 * Opens the transit engine of OpenBao or Vault by URL: `vault://vault.example.com:8200/transit` over HTTPS, and
 * `vault+http://127.0.0.1:8200/transit` over HTTP, on this machine only. The path is the mount of the engine, by
 * default `transit`. Query parameters are `namespace` and `requestTimeout` (milliseconds). The token comes from the
 * environment, never from the URL.
 *
 * Rejects with `InvalidInputError` (field `url`) when anything in the URL is malformed, unknown or repeated.
 *
 * @example
 * ```ts
 * import { openKeyWrapProvider } from '@keywrap/core';
 * import { vaultScheme } from '@keywrap/provider-vault';
 *
 * const keys = await openKeyWrapProvider('vault://vault.example.com:8200', [vaultScheme]);
 * ```
 */
export const vaultScheme: ProviderScheme = Object.freeze({
  scheme: 'vault',
  variants: ['http'],
  async open(url: URL): Promise<VaultKeyWrapProvider> {
    rejectUrlParts(url, ['username', 'password', 'hash'], 'vault://<host>:<port>/<mount>');
    if (url.host === '') {
      throw new InvalidInputError('url', 'must name a host: vault://<host>:<port>/<mount>');
    }
    const { namespace, requestTimeout } = readUrlParameters(url, ['namespace', 'requestTimeout']);
    const mount = url.pathname.slice(1);
    return new VaultKeyWrapProvider({
      address: `${url.protocol === 'vault:' ? 'https' : 'http'}://${url.host}`,
      mount: mount === '' ? undefined : mount,
      namespace,
      requestTimeout: readUrlNumber(requestTimeout),
    });
  },
});
