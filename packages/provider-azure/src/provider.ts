import { DriverProvider } from '@keywrap/core';
import { azureDriver } from './driver.js';
import { type AzureKeyWrapProviderOptions, readOptions } from './options.js';

/**
 * Wraps data keys under the keys of Azure Key Vault or Managed HSM, through `@azure/keyvault-keys`, which the first call
 * loads.
 *
 * A key is named by its name in the vault, by an alias of the option `aliases`, or by its ARN,
 * `arn:azure:kms:<vault>:<vault or managedhsm>:key/<name>`.
 *
 * @example
 * ```ts
 * import { AzureKeyWrapProvider } from '@keywrap/provider-azure';
 *
 * const keys = new AzureKeyWrapProvider({ vaultUrl: 'https://my-vault.vault.azure.net' });
 * using dataKey = await keys.generateDataKey({ keyId: 'orders', keySpec: 'AES_256' });
 * ```
 */
export class AzureKeyWrapProvider extends DriverProvider {
  /**
   * Checks the options; it does not connect.
   *
   * @throws {@link InvalidInputError} when an option is wrong or unknown.
   */
  constructor(options: AzureKeyWrapProviderOptions) {
    super(azureDriver(readOptions(options)));
  }
}
