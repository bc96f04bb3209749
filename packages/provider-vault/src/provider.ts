import { DriverProvider } from '@keywrap/core';
import { vaultDriver } from './driver.js';
import { readOptions, type VaultKeyWrapProviderOptions } from './options.js';

/**
 * Wraps data keys under the keys of the transit engine of [OpenBao](https://openbao.org/api-docs/secret/transit/) or
 * HashiCorp Vault, over its HTTP API.
 *
 * A key is named by its name in transit, by an alias of the option `aliases`, or by its ARN,
 * `arn:vault:kms:<namespace>:<mount>:key/<name>`.
 *
 * @example
 * ```ts
 * import { VaultKeyWrapProvider } from '@keywrap/provider-vault';
 *
 * const keys = new VaultKeyWrapProvider({ address: 'https://vault.example.com:8200' });
 * using dataKey = await keys.generateDataKey({
 *   keyId: 'orders',
 *   keySpec: 'AES_256',
 *   encryptionContext: { order: '7' },
 * });
 * ```
 */
export class VaultKeyWrapProvider extends DriverProvider {
  /**
   * Checks the options; it does not connect.
   *
   * @throws {@link InvalidInputError} when an option is wrong or unknown.
   */
  constructor(options: VaultKeyWrapProviderOptions = {}) {
    super(vaultDriver(readOptions(options)));
  }
}
