import 'reflect-metadata';
import {
  InvalidCiphertextError,
  KeyDisabledError,
  type KeyManager,
  type KeyWrapProvider,
} from '@keywrap/core';
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
    expect(Buffer.from(sealed.card, 'base64url').includes(order.card)).to.equal(false);
  });

  it('rotates to a new key, and no longer needs the old one', async () => {
    const sealed = await orders.seal(order, 'alias/orders');
    const rotated = await orders.rotate(sealed, 'alias/orders-next');

    const manager = container.get(KEY_WRAP_PROVIDER) as unknown as KeyManager & KeyWrapProvider;
    await manager.disableKey({
      keyId: (await manager.describeKey({ keyId: 'alias/orders' })).keyId,
    });
    expect(await orders.open(rotated)).to.deep.equal(order);
    expect(await failureOf(orders.open(sealed))).to.be.instanceOf(KeyDisabledError);
  });

  it('does not open what was encrypted for another order', async () => {
    const sealed = await orders.seal(order, 'alias/orders');
    const other = await orders.seal({ id: '5678', card: '5500 0000 0000 0004' }, 'alias/orders');
    const swapped = orders.open({ id: sealed.id, card: other.card });
    expect(await failureOf(swapped)).to.be.instanceOf(InvalidCiphertextError);
  });
});

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}
