import {
  InvalidInputError,
  type ProviderScheme,
  readUrlNumber,
  readUrlParameters,
  rejectUrlParts,
} from '@keywrap/core';
import { GcpKeyWrapProvider } from './provider.js';

const FORM = 'gcp-kms://projects/<project>/locations/<location>/keyRings/<ring>';
const PATH = /^\/([^/]+)\/locations\/([^/]+)(?:\/keyRings\/([^/]+))?\/?$/;

/**
 * Opens a location or a key ring of Google Cloud KMS by URL:
 * `gcp-kms://projects/my-project/locations/europe-west1/keyRings/my-ring`, the scheme of
 * [Tink](https://developers.google.com/tink/get-key-uri). Query parameters are `endpoint` and `requestTimeout`
 * (milliseconds), as in {@link GcpKeyWrapProviderOptions}. It logs in with Application Default Credentials: never put
 * credentials into a URL.
 *
 * Rejects with `InvalidInputError` (field `url`) when anything in the URL is malformed, unknown or repeated.
 *
 * @example
 * ```ts
 * import { openKeyWrapProvider } from '@keywrap/core';
 * import { gcpScheme } from '@keywrap/provider-gcp';
 *
 * const url = 'gcp-kms://projects/my-project/locations/europe-west1/keyRings/my-ring';
 * const keys = await openKeyWrapProvider(url, [gcpScheme]);
 * ```
 */
export const gcpScheme: ProviderScheme = Object.freeze({
  scheme: 'gcp-kms',
  async open(url: URL): Promise<GcpKeyWrapProvider> {
    rejectUrlParts(url, ['username', 'password', 'port', 'hash'], FORM);
    const { endpoint, requestTimeout } = readUrlParameters(url, ['endpoint', 'requestTimeout']);
    const [, project, location, keyRing] = PATH.exec(url.pathname) ?? [];
    if (url.hostname !== 'projects' || project === undefined || location === undefined) {
      throw new InvalidInputError('url', `must name a key ring: ${FORM}`);
    }
    return new GcpKeyWrapProvider({
      project,
      location,
      keyRing,
      endpoint,
      requestTimeout: readUrlNumber(requestTimeout),
    });
  },
});
