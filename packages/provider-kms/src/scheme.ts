import {
  InvalidInputError,
  type ProviderScheme,
  readUrlNumber,
  readUrlParameters,
  rejectUrlParts,
} from '@keywrap/core';
import type { KmsConnectionOptions } from './options.js';
import { KmsKeyWrapProvider } from './provider.js';

const PARAMETERS = [
  'endpoint',
  'profile',
  'maxAttempts',
  'connectionTimeout',
  'requestTimeout',
] as const satisfies readonly (keyof KmsConnectionOptions)[];

/**
 * Opens AWS KMS by URL: `aws-kms://` in the SDK's default region, `aws-kms://eu-west-1` in the named one.
 * Query parameters are `endpoint`, `profile`, `maxAttempts`, `connectionTimeout` and `requestTimeout`
 * (milliseconds), as in {@link KmsConnectionOptions}. Never put credentials into a URL: they come
 * from the profile, or from the SDK's credential provider chain.
 *
 * Rejects with `InvalidInputError` (field `url`) when anything in the URL is malformed, unknown or
 * repeated.
 *
 * @example
 * ```ts
 * import { openKeyWrapProvider } from '@keywrap/core';
 * import { kmsScheme } from '@keywrap/provider-kms';
 *
 * const keys = await openKeyWrapProvider('aws-kms://eu-west-1?maxAttempts=5', [kmsScheme]);
 * ```
 */
export const kmsScheme: ProviderScheme = Object.freeze({
  scheme: 'aws-kms',
  async open(url: URL): Promise<KmsKeyWrapProvider> {
    return new KmsKeyWrapProvider(readUrl(url));
  },
});

function readUrl(url: URL): KmsConnectionOptions {
  if (url.protocol !== 'aws-kms:') {
    throw new InvalidInputError('url', 'must begin with aws-kms://');
  }
  rejectUrlParts(url, ['username', 'password', 'port', 'pathname', 'hash'], 'aws-kms://<region>');
  const { maxAttempts, connectionTimeout, requestTimeout, ...texts } = readUrlParameters(
    url,
    PARAMETERS,
  );
  return {
    ...texts,
    region: url.hostname === '' ? undefined : url.hostname,
    maxAttempts: readUrlNumber(maxAttempts),
    connectionTimeout: readUrlNumber(connectionTimeout),
    requestTimeout: readUrlNumber(requestTimeout),
  };
}
