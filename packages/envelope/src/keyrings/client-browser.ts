import {
  EncryptedDataKey,
  importForWebCryptoDecryptionMaterial,
  importForWebCryptoEncryptionMaterial,
  KeyringWebCrypto,
  unwrapDataKey,
  type WebCryptoDecryptionMaterial,
  type WebCryptoEncryptionMaterial,
} from '@aws-crypto/client-browser';
import type { KeyWrapProvider } from '@keywrap/core';
import {
  decryptDataKey,
  encryptDataKey,
  type KeyWrapKeyringOptions,
  type ReadKeyring,
  readKeyring,
} from './keyring.js';

export type { KeyWrapKeyringOptions } from './keyring.js';

/**
 * A keyring of `@aws-crypto/client-browser` whose keys are those of a `KeyWrapProvider`, for who uses that SDK already. It stands alone, or in
 * a `MultiKeyringWebCrypto` beside other keyrings.
 *
 * @throws `InvalidInputError` from the constructor; `encrypt` and `decrypt` of the SDK reject with what the provider rejects with and, if no
 * key of the keyring opens a message, `UntrustedKeyError`.
 *
 * @example
 * ```ts
 * import { buildClient, CommitmentPolicy } from '@aws-crypto/client-browser';
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { KeyWrapKeyringBrowser } from '@keywrap/envelope/client-browser';
 *
 * const { encrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
 *
 * const sealNote = (keys: KeyWrapProvider, note: Uint8Array) =>
 *   encrypt(new KeyWrapKeyringBrowser(keys, { keyId: 'alias/notes' }), note);
 * ```
 */
export class KeyWrapKeyringBrowser extends KeyringWebCrypto {
  readonly #keyring: ReadKeyring;

  /**
   * @param provider Stays the caller's to close.
   * @throws InvalidInputError
   */
  constructor(provider: KeyWrapProvider, options: KeyWrapKeyringOptions) {
    super();
    this.#keyring = readKeyring(provider, options);
  }

  /** For the SDK. */
  async _onEncrypt(material: WebCryptoEncryptionMaterial): Promise<WebCryptoEncryptionMaterial> {
    const existing = material.hasUnencryptedDataKey
      ? unwrapDataKey(material.getUnencryptedDataKey()).slice()
      : undefined;
    await encryptDataKey(this.#keyring, material, existing, { EncryptedDataKey });
    return importForWebCryptoEncryptionMaterial(material);
  }

  /** For the SDK. */
  async _onDecrypt(
    material: WebCryptoDecryptionMaterial,
    encryptedDataKeys: EncryptedDataKey[],
  ): Promise<WebCryptoDecryptionMaterial> {
    await decryptDataKey(this.#keyring, material, encryptedDataKeys);
    return importForWebCryptoDecryptionMaterial(material);
  }
}
