import { InvalidInputError, type ProviderScheme, readUrlParameters } from '@keywrap/core';
import type { EngineChoice } from './engines/index.js';
import { LocalKeyWrapProvider } from './provider.js';

const PARAMETERS = [
  'engine',
  'partition',
  'region',
  'account',
  'keys',
  'createMissingKeys',
] as const;

/**
 * Opens `local:` URLs: keys in memory, gone when the provider is closed.
 *
 * Parameters, all optional: `keys` (names of symmetric keys, with commas between), `createMissingKeys`
 * (`true` or `false`), `engine`, `partition`, `region`, `account`. Rejects with
 * {@link InvalidInputError} (field `url`) when any of it is malformed, unknown or repeated.
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
    if (url.host !== '' || !['', '/'].includes(url.pathname) || url.hash !== '') {
      throw new InvalidInputError('url', 'must be local: followed by nothing but parameters');
    }
    const { keys, createMissingKeys, engine, ...scope } = readUrlParameters(url, PARAMETERS);
    const options = {
      ...scope,
      engine: engine as EngineChoice | undefined,
      keys: keys?.split(','),
      createMissingKeys: readBoolean(createMissingKeys),
    };
    try {
      return new LocalKeyWrapProvider(options);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      throw new InvalidInputError('url', `is not valid: ${error.message}`, { cause: error });
    }
  },
};

function readBoolean(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidInputError('url', 'has createMissingKeys, which must be true or false');
}
