import { DriverProvider } from '@keywrap/core';
import { kmsDriver } from './driver.js';
import { type KmsKeyWrapProviderOptions, readOptions } from './options.js';

/**
 * Wraps data keys under the keys of AWS KMS, through `@aws-sdk/client-kms`.
 *
 * A key or alias that is named by ARN is used in the ARN's region; any other in the region of the options, or
 * else the SDK's default. The first call loads the SDK, which also does retries and timeouts.
 *
 * @example
 * ```ts
 * import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
 *
 * const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
 * using dataKey = await keys.generateDataKey({
 *   keyId: 'alias/orders',
 *   keySpec: 'AES_256',
 *   encryptionContext: { order: '7' },
 * });
 * ```
 */
export class KmsKeyWrapProvider extends DriverProvider {
  /**
   * Checks the options; it does not connect.
   *
   * @throws {@link InvalidInputError} when an option is wrong or unknown.
   */
  constructor(options: KmsKeyWrapProviderOptions = {}) {
    super(kmsDriver(readOptions(options)));
  }
}
