import {
  EncryptedDataKey,
  KeyringNode,
  type NodeDecryptionMaterial,
  type NodeEncryptionMaterial,
  unwrapDataKey,
} from '@aws-crypto/client-node';
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
 * A keyring of `@aws-crypto/client-node` whose keys are those of a `KeyWrapProvider`, for who uses that SDK already. It stands alone, or in a
 * `MultiKeyringNode` beside other keyrings.
 *
 * @throws `InvalidInputError` from the constructor; `encrypt` and `decrypt` of the SDK reject with what the provider rejects with and, if no
 * key of the keyring opens a message, `UntrustedKeyError`.
 *
 * @example
 * ```ts
 * import { buildClient, CommitmentPolicy } from '@aws-crypto/client-node';
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { KeyWrapKeyringNode } from '@keywrap/envelope/client-node';
 *
 * const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
 *
 * async function roundTrip(keys: KeyWrapProvider, invoice: Uint8Array) {
 *   const keyring = new KeyWrapKeyringNode(keys, { keyId: 'alias/invoices' });
 *   const { result } = await encrypt(keyring, invoice, { encryptionContext: { table: 'invoices' } });
 *   const { plaintext, messageHeader } = await decrypt(keyring, result);
 *   if (messageHeader.encryptionContext.table !== 'invoices') throw new Error('another table');
 *   return plaintext;
 * }
 * ```
 */
export class KeyWrapKeyringNode extends KeyringNode {
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
  async _onEncrypt(material: NodeEncryptionMaterial): Promise<NodeEncryptionMaterial> {
    const existing = material.hasUnencryptedDataKey
      ? unwrapDataKey(material.getUnencryptedDataKey()).slice()
      : undefined;
    await encryptDataKey(this.#keyring, material, existing, { EncryptedDataKey });
    return material;
  }

  /** For the SDK. */
  async _onDecrypt(
    material: NodeDecryptionMaterial,
    encryptedDataKeys: EncryptedDataKey[],
  ): Promise<NodeDecryptionMaterial> {
    await decryptDataKey(this.#keyring, material, encryptedDataKeys);
    return material;
  }
}
