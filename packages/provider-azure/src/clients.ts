import type { CryptographyClient, KeyClient, KeyClientOptions } from '@azure/keyvault-keys';
import { AccessDeniedError, KeyWrapError, loadPeer } from '@keywrap/core';
import { VaultError } from './errors.js';
import type { ReadOptions, TokenCredential } from './options.js';

/** The clients of a vault. */
export interface Clients {
  readonly keys: KeyClient;
  /** Returns the client of one version of a key, which reads the key before its first call. */
  cryptography(name: string, version: string): CryptographyClient;
}

/** How many clients of versions are kept. */
const MAXIMUM_KEPT = 1000;

/** Loads `@azure/keyvault-keys` with the first call, and makes its clients. */
export class LazyClients {
  readonly #options: ReadOptions;
  #clients: Promise<Clients> | undefined;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  get(): Promise<Clients> {
    this.#clients ??= this.#load().catch((error) => {
      this.#clients = undefined;
      throw error;
    });
    return this.#clients;
  }

  async #load(): Promise<Clients> {
    const { vaultUrl, credential, clientOptions } = this.#options;
    const { KeyClient } = await loadPeer(
      '@azure/keyvault-keys',
      () => import('@azure/keyvault-keys'),
    );
    const keys = new KeyClient(vaultUrl, reporting(credential ?? (await defaultCredential())), {
      ...clientOptions,
      additionalPolicies: [...(clientOptions.additionalPolicies ?? []), READABLE_ERRORS],
    });
    const kept = new Map<string, CryptographyClient>();
    return {
      keys,
      cryptography(name, version) {
        const id = `${name}/${version}`;
        const known = kept.get(id);
        if (known !== undefined) return known;
        if (kept.size >= MAXIMUM_KEPT) kept.clear();
        const client = keys.getCryptographyClient(name, { keyVersion: version });
        kept.set(id, client);
        return client;
      },
    };
  }
}

/** The client fails with a TypeError at an error that is not JSON, such as a proxy's. */
const READABLE_ERRORS: NonNullable<KeyClientOptions['additionalPolicies']>[number] = {
  position: 'perCall',
  policy: {
    name: 'readableErrors',
    async sendRequest(request, next) {
      const response = await next(request);
      if (response.status < 400 || isJson(response.bodyAsText)) return response;
      throw new VaultError(response.status, '');
    },
  },
};

function isJson(text: string | null | undefined): boolean {
  try {
    return typeof JSON.parse(text ?? '') === 'object';
  } catch {
    return false;
  }
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await loadPeer(
    '@azure/identity',
    () => import('@azure/identity'),
  );
  return new DefaultAzureCredential();
}

/** That no token is to be had is a matter of credentials, and not an outage. */
function reporting(credential: TokenCredential): TokenCredential {
  return {
    async getToken(scopes, options) {
      try {
        return await credential.getToken(scopes, options);
      } catch (cause) {
        if (options?.abortSignal?.aborted === true || cause instanceof KeyWrapError) throw cause;
        throw new AccessDeniedError('the credential gives no token; see the cause', { cause });
      }
    },
  };
}
