import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyWrapProvider } from '@keywrap/core';
import { injectKeyWrap } from '@keywrap/core/inversify';
import { injectable } from 'inversify';

export interface Order {
  readonly id: string;
  readonly card: string;
}

/** A stored order: encrypted under its own data key, which is stored wrapped in the same record. */
export interface SealedOrder {
  readonly id: string;
  /** The data key, wrapped, and the ARN of the key that wraps it. */
  readonly wrappedKey: Uint8Array;
  readonly keyId: string;
  /** AES-256-GCM: 12 bytes, any length, 16 bytes. */
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

/** Keeps orders encrypted. Which provider wraps the data keys, it never learns. */
@injectable()
export class OrderService {
  constructor(@injectKeyWrap() private readonly keys: KeyWrapProvider) {}

  /** Encrypts an order under a new data key, which `keyId` wraps. */
  async seal(order: Order, keyId: string): Promise<SealedOrder> {
    const encryptionContext = contextOf(order);
    using dataKey = await this.keys.generateDataKey({
      keyId,
      keySpec: 'AES_256',
      encryptionContext,
    });
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', dataKey.plaintext, nonce);
    const ciphertext = Buffer.concat([cipher.update(order.card, 'utf8'), cipher.final()]);
    return {
      id: order.id,
      wrappedKey: dataKey.ciphertext,
      keyId: dataKey.keyId,
      nonce,
      ciphertext,
      tag: cipher.getAuthTag(),
    };
  }

  /** Decrypts an order with the key that the stored ARN names, so that no one can substitute another. */
  async open(sealed: SealedOrder): Promise<Order> {
    using dataKey = await this.keys.decrypt({
      keyId: sealed.keyId,
      ciphertext: sealed.wrappedKey,
      encryptionContext: contextOf(sealed),
    });
    const decipher = createDecipheriv('aes-256-gcm', dataKey.plaintext, sealed.nonce);
    decipher.setAuthTag(sealed.tag);
    const card = decipher.update(sealed.ciphertext, undefined, 'utf8') + decipher.final('utf8');
    return { id: sealed.id, card };
  }

  /** Moves an order to another key: only the wrapped data key changes, the order itself is not touched. */
  async rotate(sealed: SealedOrder, newKeyId: string): Promise<SealedOrder> {
    const encryptionContext = contextOf(sealed);
    const { ciphertext, destinationKeyId } = await this.keys.reEncrypt({
      ciphertext: sealed.wrappedKey,
      source: { keyId: sealed.keyId, encryptionContext },
      destination: { keyId: newKeyId, encryptionContext },
    });
    return { ...sealed, wrappedKey: ciphertext, keyId: destinationKeyId };
  }
}

/** Binds a wrapped key to its order. */
function contextOf({ id }: { readonly id: string }) {
  return { order: id };
}
