import type { TokenCredential } from '@azure/core-auth';
import type { CryptographyClient, KeyClient, KeyVaultKey } from '@azure/keyvault-keys';
import { AccessDeniedError, InternalError, KeyWrapError } from '@keywrap/core';
import type { ReadOptions } from './options.js';

/** The clients of `@azure/keyvault-keys`. */
export interface Clients {
  readonly keys: KeyClient;
  /** @param key With its material, or the URL of a version. */
  cryptography(key: KeyVaultKey | string): CryptographyClient;
}

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
    const { vaultUrl, clientOptions } = this.#options;
    const { CryptographyClient, KeyClient } = await load(
      '@azure/keyvault-keys',
      () => import('@azure/keyvault-keys'),
    );
    const credential = reporting(this.#options.credential ?? (await defaultCredential()));
    const isLocal = vaultUrl.startsWith('http:');
    const options = {
      ...clientOptions,
      // Plain HTTP is for tests on this machine, whose host is not that of a vault either.
      ...(isLocal && { allowInsecureConnection: true, disableChallengeResourceVerification: true }),
    };
    return {
      keys: new KeyClient(vaultUrl, credential, options),
      cryptography: (key) => new CryptographyClient(key as string, credential, options),
    };
  }
}

async function defaultCredential(): Promise<TokenCredential> {
  const name: string = '@azure/identity';
  const { DefaultAzureCredential } = (await load(name, () => import(name))) as {
    readonly DefaultAzureCredential: new () => TokenCredential;
  };
  return new DefaultAzureCredential();
}

async function load<Module>(name: string, work: () => Promise<Module>): Promise<Module> {
  try {
    return await work();
  } catch (cause) {
    throw new InternalError(`the package ${name} could not be loaded: install it`, { cause });
  }
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
