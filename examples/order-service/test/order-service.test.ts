import 'reflect-metadata';
import { InvalidCiphertextError, KeyDisabledError, type KeyManager } from '@keywrap/core';
import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import { localKeyWrapModule } from '@keywrap/provider-local/inversify';
import { expect } from 'chai';
import { Container } from 'inversify';
import { OrderService } from '#dist/order-service.js';

describe('OrderService', () => {
  const order = { id: '1234', card: '4111 1111 1111 1111' };
  let container: Container;
  let orders: OrderService;

  beforeEach(async () => {
    container = new Container();
    container.load(localKeyWrapModule({ keys: ['alias/orders', 'alias/orders-next'] }));
    container.bind(OrderService).toSelf();
    orders = await container.getAsync(OrderService);
  });

  afterEach(() => container.unbindAllAsync());

  it('opens what it sealed', async () => {
    expect(await orders.open(await orders.seal(order, 'alias/orders'))).to.deep.equal(order);
  });

  it('stores nothing of the order in the clear', async () => {
    const sealed = await orders.seal(order, 'alias/orders');
    const stored = Buffer.concat([sealed.wrappedKey, sealed.nonce, sealed.ciphertext, sealed.tag]);
    expect(stored.includes(order.card)).to.equal(false);
  });

  it('rotates to a new key without touching the order, and no longer needs the old one', async () => {
    const sealed = await orders.seal(order, 'alias/orders');
    const rotated = await orders.rotate(sealed, 'alias/orders-next');
    expect(rotated.ciphertext).to.equal(sealed.ciphertext);
    expect(rotated.keyId).not.to.equal(sealed.keyId);

    const manager = container.get(KEY_WRAP_PROVIDER) as unknown as KeyManager;
    await manager.disableKey({ keyId: sealed.keyId });
    expect(await orders.open(rotated)).to.deep.equal(order);
    expect(await failureOf(orders.open(sealed))).to.be.instanceOf(KeyDisabledError);
  });

  it("does not open one order with another order's key", async () => {
    const sealed = await orders.seal(order, 'alias/orders');
    const other = await orders.seal({ id: '5678', card: '5500 0000 0000 0004' }, 'alias/orders');
    const swapped = orders.open({ ...sealed, wrappedKey: other.wrappedKey });
    expect(await failureOf(swapped)).to.be.instanceOf(InvalidCiphertextError);
  });
});

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}
