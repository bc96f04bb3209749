import { InvalidInputError, type ProviderScheme, readUrlParameters } from '@keywrap/core';
import type { EngineChoice } from './engines/index.js';
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
 * (`true` or `false`), `engine`, `partition`, `region`, `account`.
 *
 * With a folder, one of these says where its passphrase is, which a URL must not hold: `passphraseFile`
 * (the path of a file; a line break at its end does not count) or `passphraseEnv` (the name of an
 * environment variable). `create=true` makes the store where there is none. A store that a provider
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
    const parameters = readUrlParameters(url, PARAMETERS);
    const { keys, createMissingKeys, engine, passphraseFile, passphraseEnv, create, ...scope } =
      parameters;
    const store = await openStore(url, {
      file: passphraseFile,
      env: passphraseEnv,
      create: readBoolean('create', create),
    });
    return new LocalKeyWrapProvider({
      ...scope,
      engine: engine as EngineChoice | undefined,
      keys: keys?.split(','),
      createMissingKeys: readBoolean('createMissingKeys', createMissingKeys),
      store: store && (() => store),
    });
  },
};

interface StoreParameters {
  readonly file: string | undefined;
  readonly env: string | undefined;
  readonly create: boolean | undefined;
}

/** Opens the folder that the URL names; without one the keys are in memory. */
async function openStore(
  url: URL,
  { file, env, create }: StoreParameters,
): Promise<KeyStore | undefined> {
  if (url.host !== '' || url.hash !== '') {
    throw new InvalidInputError(
      'url',
      'must be local: or local:///path/to/keys, with three slashes, and parameters',
    );
  }
  if (['', '/'].includes(url.pathname)) {
    if (file === undefined && env === undefined && create === undefined) return undefined;
    throw new InvalidInputError('url', 'has parameters of a key store but no path to one');
  }
  if (!url.pathname.startsWith('/')) {
    throw new InvalidInputError('url', 'must have an absolute path: local:///path/to/keys');
  }
  // Loaded when needed: with keys in memory, the provider also works where there is no Node.js.
  const { fileURLToPath } = await import('node:url');
  const { FileKeyStore, passphraseFrom } = await import('./file-store/index.js');
  const folder = fileURLToPath(`file://${url.pathname}`);
  return FileKeyStore.open({
    folder,
    protectedBy: { passphrase: await passphraseFrom({ file, env }) },
    create,
  });
}

function readBoolean(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidInputError('url', `has ${name}, which must be true or false`);
}
