import { DriverProvider } from '@keywrap/core';
import { openDriver } from './driver.js';
import { type Pkcs11KeyWrapProviderOptions, readOptions } from './options.js';

/**
 * Wraps data keys under the keys of a [PKCS#11](https://docs.oasis-open.org/pkcs11/pkcs11-spec/v3.1/) token: an HSM, a
 * smart card, SoftHSM. A key is named by its label (CKA_LABEL), by an alias of the option `aliases`, or by its ARN,
 * `arn:pkcs11:kms:<label of the token>:<serial number>:key/<label>`.
 *
 * @example
 * ```ts
 * import { Pkcs11KeyWrapProvider } from '@keywrap/provider-pkcs11';
 *
 * const keys = await Pkcs11KeyWrapProvider.open({
 *   module: '/usr/lib/softhsm/libsofthsm2.so',
 *   token: { label: 'production' },
 *   pin: '1234',
 * });
 * using dataKey = await keys.generateDataKey({ keyId: 'orders', keySpec: 'AES_256' });
 * ```
 */
export class Pkcs11KeyWrapProvider extends DriverProvider {
  /**
   * Loads the library, finds the token, logs in, and finds out which algorithms it has.
   *
   * @throws {@link InvalidInputError} when an option is wrong, or the library or the token is not there.
   * @throws {@link AccessDeniedError} when the token does not accept the PIN.
   */
  static async open(options: Pkcs11KeyWrapProviderOptions): Promise<Pkcs11KeyWrapProvider> {
    return new Pkcs11KeyWrapProvider(await openDriver(readOptions(options)));
  }
}
