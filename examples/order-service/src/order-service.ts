import type { KeyWrapProvider } from '@keywrap/core';
import { injectKeyWrap } from '@keywrap/core/inversify';
import { openText, sealText } from '@keywrap/envelope';
import { injectable } from 'inversify';

export interface Order {
  readonly id: string;
  readonly card: string;
}

/** A stored order: the card is a message in base64url, which carries its wrapped data key. */
export interface SealedOrder {
  readonly id: string;
  readonly card: string;
}

/** The keys that may have encrypted an order, whatever a stored message names. */
const TRUSTED_KEYS = ['alias/orders', 'alias/orders-next'];

/** Keeps orders encrypted. Which provider wraps the data keys, it never learns. */
@injectable()
export class OrderService {
  constructor(@injectKeyWrap() private readonly keys: KeyWrapProvider) {}

  /** Encrypts an order under a new data key, which `keyId` wraps. */
  async seal(order: Order, keyId: string): Promise<SealedOrder> {
    const { id, card } = order;
    const encryptionContext = contextOf(order);
    return { id, card: await sealText(this.keys, { keyId, encryptionContext }, card) };
  }

  /** Decrypts an order with one of the service's keys, if it is the order that was encrypted under this id. */
  async open(sealed: SealedOrder): Promise<Order> {
    const { id, card } = sealed;
    const options = { trustedKeys: TRUSTED_KEYS, encryptionContext: contextOf(sealed) };
    return { id, card: await openText(this.keys, card, options) };
  }

  /** Moves an order to another key. */
  async rotate(sealed: SealedOrder, keyId: string): Promise<SealedOrder> {
    return this.seal(await this.open(sealed), keyId);
  }
}

/** Binds a message to its order. */
function contextOf({ id }: { readonly id: string }) {
  return { order: id };
}
