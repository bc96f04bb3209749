import type { KeyClient, KeyClientOptions } from '@azure/keyvault-keys';
import {
  type AliasLookup,
  InvalidInputError,
  readAliases,
  readDelay,
  readFields,
  readSafely,
} from '@keywrap/core';

/** A credential, as those of `@azure/identity` are: what `KeyClient` takes. */
export type TokenCredential = ConstructorParameters<typeof KeyClient>[1];

/** Options of {@link AzureKeyWrapProvider}. */
export interface AzureKeyWrapProviderOptions {
  /**
   * The URL of the key vault or managed HSM: `https://<name>.vault.azure.net` or
   * `https://<name>.managedhsm.azure.net`.
   */
  readonly vaultUrl: string;
  /** How to log in. By default `DefaultAzureCredential` of `@azure/identity`, which has to be installed then. */
  readonly credential?: TokenCredential | undefined;
  /** True for a managed HSM. By default what the host name says. */
  readonly managedHsm?: boolean | undefined;
  /**
   * The name of the key that an alias stands for: `{ 'alias/orders': 'orders-2026' }`, or a function that returns it.
   * By default there are no aliases.
   */
  readonly aliases?:
    | Readonly<Record<string, string>>
    | ((alias: string) => string | undefined)
    | undefined;
  /**
   * How long a call of the vault may take in milliseconds, with the client's retries and the credential: by default
   * 30,000.
   */
  readonly requestTimeout?: number | undefined;
  /** Options of the client, such as `retryOptions` and `proxyOptions`. */
  readonly clientOptions?: KeyClientOptions | undefined;
}

/** The options, checked and complete. */
export interface ReadOptions {
  /** Without a slash at its end. */
  readonly vaultUrl: string;
  /** The first label of the host name. */
  readonly vaultName: string;
  readonly credential: TokenCredential | undefined;
  readonly managedHsm: boolean;
  readonly aliases: AliasLookup;
  readonly requestTimeout: number;
  readonly clientOptions: KeyClientOptions;
}

const NAMES = [
  'vaultUrl',
  'credential',
  'managedHsm',
  'aliases',
  'requestTimeout',
  'clientOptions',
] as const;

const KEY_NAME = /^[0-9A-Za-z-]{1,127}$/;

/** Returns true for the name of a key that can exist ([objects](https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates)). */
export function isKeyName(name: string): boolean {
  return KEY_NAME.test(name);
}

/**
 * Parses the options, from plain JavaScript too.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong, unknown or missing.
 */
export function readOptions(options: unknown): ReadOptions {
  return readSafely(undefined, 'options', () => readAll(options));
}

function readAll(options: unknown): ReadOptions {
  const given = readFields(options, 'options', NAMES);
  const { credential, clientOptions = {} } = given;
  const url = readUrl(given.vaultUrl);
  const { managedHsm = /\.managedhsm\./.test(url.hostname) } = given;
  if (typeof managedHsm !== 'boolean') throw wrong('managedHsm', 'must be true or false');
  if (credential !== undefined && !isCredential(credential)) {
    throw wrong('credential', 'must have getToken, as the credentials of @azure/identity have');
  }
  if (typeof clientOptions !== 'object' || clientOptions === null) {
    throw wrong('clientOptions', 'must be an object');
  }
  return {
    vaultUrl: url.origin,
    vaultName: url.hostname.split('.', 1)[0] as string,
    credential: credential as TokenCredential | undefined,
    managedHsm,
    aliases: readAliases(given.aliases ?? {}, isKeyName),
    requestTimeout: readDelay(given.requestTimeout ?? 30_000, 'options.requestTimeout'),
    clientOptions: clientOptions as KeyClientOptions,
  };
}

function readUrl(value: unknown): URL {
  const url = new URL(typeof value === 'string' && URL.canParse(value) ? value : 'none:');
  const isPlain = url.username === '' && url.password === '' && url.pathname === '/';
  if (url.protocol === 'https:' && isPlain && url.search === '' && url.hash === '') return url;
  throw wrong('vaultUrl', 'must be the https: URL of a vault: https://<name>.vault.azure.net');
}

function isCredential(value: unknown): boolean {
  return typeof (value as { readonly getToken?: unknown } | null)?.getToken === 'function';
}

function wrong(option: string, problem: string): InvalidInputError {
  return new InvalidInputError(`options.${option}`, problem);
}
