import { InvalidInputError, type ProviderScheme, readUrlParameters } from '@keywrap/core';
import type { EngineChoice } from './cipher/engines/index.js';
import type { PassphraseSource } from './file-store/passphrase-source.js';
import type { KeyStore } from './keys/key-store.js';
import { LocalKeyWrapProvider } from './provider.js';

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
] as const;

/**
 * Opens `local:` URLs. `local:` by itself has its keys in memory, gone when the provider is closed;
 * `local:///path/to/keys` has them in that folder, see `FileKeyStore`.
 *
 * Parameters, all optional: `keys` (names of symmetric keys, with commas between), `createMissingKeys`
 * (`true` or `false`), `engine`, `partition`, `region`, `account`. Rejects with
 * {@link InvalidInputError} (field `url`) when any of it is malformed, unknown or repeated.
 *
 * With a folder, one of these says where its passphrase is, which a URL must not hold: `passphraseFile`
 * (the path of a file; a line break at its end does not count) or `passphraseEnv` (the name of an
 * environment variable). `create=true` makes the store where there is none. The store is opened, and
 * `keys` are made, before the promise resolves, so that what is wrong shows when a service starts. A store that a provider
 * protects can't be named by a URL; open it with `FileKeyStore.open`.
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
  async open(url) {
    const { keys, createMissingKeys, engine, passphraseFile, passphraseEnv, create, ...scope } =
      readUrlParameters(url, PARAMETERS);
    try {
      const at = await readStoreUrl(url, {
        passphrase: { file: passphraseFile, env: passphraseEnv },
        create: readBoolean('create', create),
      });
      let store: KeyStore | undefined;
      // First, so that nothing is made when a parameter is wrong.
      const provider = new LocalKeyWrapProvider({
        ...scope,
        engine: engine as EngineChoice | undefined,
        keys: keys?.split(','),
        createMissingKeys: readBoolean('createMissingKeys', createMissingKeys),
        store: at && (() => store as KeyStore),
      });
      if (at === undefined) return provider;
      store = await openStore(at);
      try {
        // The first call hands the store over: from then on, closing the provider closes it.
        await provider.listAliases();
        return provider;
      } catch (error) {
        await provider.close();
        throw error;
      }
    } catch (error) {
      if (!(error instanceof InvalidInputError) || error.field === 'url') throw error;
      throw new InvalidInputError('url', `is not valid: ${error.message}`, { cause: error });
    }
  },
};

/** What the parameters say of a folder of keys. */
interface StoreParameters {
  readonly passphrase: PassphraseSource;
  readonly create: boolean | undefined;
}

/** A folder of keys. */
interface StoreUrl extends StoreParameters {
  readonly folder: string;
}

/** @returns `undefined` when the URL names no folder: the keys are in memory. */
async function readStoreUrl(url: URL, parameters: StoreParameters): Promise<StoreUrl | undefined> {
  if (url.host !== '' || url.hash !== '' || !/^(\/.*)?$/.test(url.pathname)) {
    throw new InvalidInputError(
      'url',
      'must be local: or local:///path/to/keys, with three slashes, followed by parameters',
    );
  }
  if (['', '/'].includes(url.pathname)) {
    const { passphrase, create } = parameters;
    if ([passphrase.file, passphrase.env, create].every((value) => value === undefined)) return;
    throw new InvalidInputError('url', 'has parameters of a key store, but no path to one');
  }
  const { folderOf } = await loadFolders();
  return { ...parameters, folder: folderOf(url.pathname) };
}

async function openStore({ folder, passphrase, create }: StoreUrl): Promise<KeyStore> {
  const { openFolder } = await loadFolders();
  return openFolder(folder, passphrase, create);
}

/**
 * Loaded when needed: with keys in memory, the provider also works where there is no Node.js.
 * package.json says what this import is, because a bundler resolves it whether it is needed or not.
 */
function loadFolders() {
  return import('#folders');
}

function readBoolean(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidInputError('url', `has ${name}, which must be true or false`);
}
