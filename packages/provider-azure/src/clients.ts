import type { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import {
  AccessDeniedError,
  credentialErrorOf,
  KeyWrapError,
  loadPeer,
  ProviderUnavailableError,
  within,
} from '@keywrap/core';
import { type AdditionalPolicy, CHECKED_ANSWERS } from './answers.js';
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
    const { vaultUrl, credential, requestTimeout, clientOptions } = this.#options;
    const { KeyClient } = await loadPeer(
      '@azure/keyvault-keys',
      () => import('@azure/keyvault-keys'),
    );
    const keys = new KeyClient(vaultUrl, reporting(credential ?? (await defaultCredential())), {
      // A redirect would take plaintexts to another host.
      redirectOptions: { maxRetries: 0 },
      ...clientOptions,
      additionalPolicies: [
        ...(clientOptions.additionalPolicies ?? []),
        CHECKED_ANSWERS,
        timeLimit(requestTimeout),
      ],
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

/** The client waits for an answer, and for a credential, without end. */
function timeLimit(milliseconds: number): AdditionalPolicy {
  return {
    position: 'perCall',
    policy: {
      name: 'timeLimit',
      sendRequest(request, next) {
        const { abortSignal: theirs } = request;
        return within(milliseconds, 'the vault did not answer', (limit) => {
          request.abortSignal =
            theirs === undefined ? limit : AbortSignal.any([theirs as AbortSignal, limit]);
          return next(request);
        });
      },
    },
  };
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await loadPeer(
    '@azure/identity',
    () => import('@azure/identity'),
  );
  return new DefaultAzureCredential();
}

/** Classifies why there is no token: the client takes it for an error of the request. */
function reporting(credential: TokenCredential): TokenCredential {
  return {
    async getToken(scopes, options) {
      try {
        const token = await credential.getToken(scopes, options);
        if (typeof token?.token === 'string') return token;
        throw new AccessDeniedError('the credential gave no token');
      } catch (cause) {
        if (options?.abortSignal?.aborted === true || cause instanceof KeyWrapError) throw cause;
        if (isTokenOutage(cause)) {
          throw new ProviderUnavailableError(
            'the server that gives tokens was not reached, or failed; see the cause',
            { cause },
          );
        }
        throw credentialErrorOf(cause, 'the credential gave no token');
      }
    },
  };
}

/** What is left of msal's errors in those of `@azure/identity`, which have neither a code nor a cause. */
const TOKEN_OUTAGE =
  /\b(?:network_error|endpoints_resolution_error|server_error|temporarily_unavailable)\b/;

/**
 * Recognizes an outage of the server that gives tokens. A chain, such as `DefaultAzureCredential`, asks for a managed
 * identity on every machine: that this one has none is no outage.
 */
function isTokenOutage(error: unknown): boolean {
  const { message, errors } = Object(error) as {
    readonly message: unknown;
    readonly errors: unknown;
  };
  if (!Array.isArray(errors)) return TOKEN_OUTAGE.test(String(message));
  return errors.some(
    (each) => isTokenOutage(each) && !/^ManagedIdentityCredential\b/.test(each.message),
  );
}
