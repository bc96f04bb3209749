import {
  InvalidInputError,
  type ProviderScheme,
  readUrlNumber,
  readUrlParameters,
} from '@keywrap/core';
import type { EngineChoice } from './cipher/engines/index.js';
import type { KeyStore } from './keys/store.js';
import { LocalKeyWrapProvider } from './provider.js';
import type { DialectOptions } from './store/dialect.js';

const PARAMETERS = [
  'engine',
  'partition',
  'region',
  'account',
  'keys',
  'createMissingKeys',
  'passphraseFile',
  'passphraseEnv',
  'create',
  'trustedGroup',
] as const;

/** The URL parameters of the PostgreSQL client. */
const CLIENT_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'options'] as const;

const POSTGRES_PARAMETERS = [...PARAMETERS, 'freshness', ...CLIENT_PARAMETERS] as const;

/**
 * Opens `local:` URLs. `local:` alone keeps its keys in memory until the provider is closed;
 * `local:///path/to/keys.db` keeps them in that SQLite file, and `local+postgres://user@host/database` in
 * that PostgreSQL database: see `SqlKeyStore`.
 *
 * Parameters, all optional: `keys` (names of symmetric keys, separated by commas), `createMissingKeys`
 * (`true` or `false`), `engine`, `partition`, `region`, `account`. Rejects with
 * {@link InvalidInputError} (field `url`) if any part is malformed, unknown or repeated.
 *
 * A store needs one source of its passphrase, which a URL must not contain: `passphraseFile` (the path of a
 * file; a line break at its end is ignored) or `passphraseEnv` (the name of an environment variable).
 * `create=true` creates the store if there is none; `trustedGroup` is the id of a group that may read the file, as
 * Kubernetes' `fsGroup`. For PostgreSQL, `freshness` is that of `SqlKeyStore`, and
 * `sslmode`, `sslrootcert`, `sslcert`, `sslkey` and `options` are for its client. The store is opened, and
 * `keys` are created, before the promise resolves, so that errors appear when a service starts. A URL can't
 * name a store that a provider protects; open it with `SqlKeyStore.open`.
 *
 * @example
 * ```ts
 * import { openKeyWrapProvider } from '@keywrap/core';
 * import { localScheme } from '@keywrap/provider-local';
 *
 * const url = 'local:?keys=alias/orders,alias/archive&region=eu-west-1';
 * await using keys = await openKeyWrapProvider(url, [localScheme]);
 * ```
 */
export const localScheme: ProviderScheme = {
  scheme: 'local',
  variants: ['postgres'],
  async open(url) {
    const names = url.protocol === 'local:' ? PARAMETERS : POSTGRES_PARAMETERS;
    const parameters = readUrlParameters(url, names);
    const { engine, partition, region, account, keys } = parameters;
    const store = await storeOf(url, parameters);
    const provider = new LocalKeyWrapProvider({
      engine: engine as EngineChoice | undefined,
      partition,
      region,
      account,
      keys: keys?.split(','),
      createMissingKeys: parseBoolean('createMissingKeys', parameters.createMissingKeys),
      store,
    });
    if (store === undefined) return provider;
    try {
      await provider.open();
      return provider;
    } catch (error) {
      await provider.close();
      throw error;
    }
  },
};

type StoreParameters = Partial<Record<(typeof POSTGRES_PARAMETERS)[number], string>>;

/** @returns A function that opens the store; undefined if the URL names none: the keys are in memory. */
async function storeOf(
  url: URL,
  parameters: StoreParameters,
): Promise<(() => Promise<KeyStore>) | undefined> {
  const { passphraseFile: file, passphraseEnv: env } = parameters;
  if (url.protocol === 'local:') {
    if (url.host !== '' || url.hash !== '' || !/^(\/.*)?$/.test(url.pathname)) {
      throw new InvalidInputError(
        'url',
        'must be local: or local:///path/to/keys.db, with three slashes, followed by parameters',
      );
    }
    if (['', '/'].includes(url.pathname)) {
      const ofStore = [file, env, parameters.create, parameters.trustedGroup];
      if (ofStore.every((value) => value === undefined)) return undefined;
      throw new InvalidInputError('url', 'has parameters of a key store, but no path to one');
    }
  }
  // Loaded when needed: with keys in memory, the provider also works without Node.js. package.json maps
  // this import, because a bundler resolves it whether it is needed or not.
  const { locationOf, openWithPassphrase } = await import('#store');
  const client = CLIENT_PARAMETERS.map((name) => [name, parameters[name]] as const);
  const options = {
    location: locationOf(url, client),
    create: parseBoolean('create', parameters.create),
    trustedGroup: readUrlNumber(parameters.trustedGroup),
    freshness: parameters.freshness as DialectOptions['freshness'],
  };
  return () => openWithPassphrase({ ...options, passphrase: { file, env } });
}

function parseBoolean(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidInputError('url', `has ${name}, which must be true or false`);
}
