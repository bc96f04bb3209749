import { DriverProvider } from '@keywrap/core';
import { gcpDriver } from './driver.js';
import { type GcpKeyWrapProviderOptions, readOptions } from './options.js';

/**
 * Wraps data keys under the keys of Google Cloud KMS, through `@google-cloud/kms`, which the first call loads.
 *
 * A key is named by its name in the key ring, by `<ring>/<key>`, by its resource name
 * (`projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>`), by an alias of the option `aliases`,
 * or by its ARN, `arn:gcp:kms:<location>:<project>:key/<ring>%2F<key>`.
 *
 * @example
 * ```ts
 * import { GcpKeyWrapProvider } from '@keywrap/provider-gcp';
 *
 * const keys = new GcpKeyWrapProvider({
 *   project: 'my-project',
 *   location: 'europe-west1',
 *   keyRing: 'my-ring',
 * });
 * using dataKey = await keys.generateDataKey({ keyId: 'orders', keySpec: 'AES_256' });
 * ```
 */
export class GcpKeyWrapProvider extends DriverProvider {
  /**
   * Checks the options; it does not connect.
   *
   * @throws {@link InvalidInputError} when an option is wrong or unknown.
   */
  constructor(options: GcpKeyWrapProviderOptions) {
    super(gcpDriver(readOptions(options)));
  }
}
