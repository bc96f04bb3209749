// Encrypts an order, moves it to a new key and decrypts it again. KEYWRAP_URL picks the provider:
//   KEYWRAP_URL=local:?keys=alias/orders,alias/orders-next node examples/order-service/dist/main.js
//   KEYWRAP_URL=aws-kms://eu-west-1                        ... (with these two aliases in AWS KMS)
import 'reflect-metadata';
import { urlKeyWrapModule } from '@keywrap/core/inversify';
import { parseMessageHeader } from '@keywrap/envelope';
import { kmsScheme } from '@keywrap/provider-kms';
import { localScheme } from '@keywrap/provider-local';
import { Container } from 'inversify';
import { OrderService, type SealedOrder } from './order-service.js';

const container = new Container();
container.load(urlKeyWrapModule({ schemes: [localScheme, kmsScheme] }));
container.bind(OrderService).toSelf();

async function main(): Promise<void> {
  const orders = await container.getAsync(OrderService);
  try {
    const sealed = await orders.seal({ id: '1234', card: '4111 1111 1111 1111' }, 'alias/orders');
    console.log(`sealed  order ${sealed.id} under ${keyOf(sealed)}`);
    const rotated = await orders.rotate(sealed, 'alias/orders-next');
    console.log(`rotated order ${rotated.id} to   ${keyOf(rotated)}`);
    const opened = await orders.open(rotated);
    console.log(`opened  order ${opened.id}: card ends in ${opened.card.slice(-4)}`);
  } finally {
    await container.unbindAllAsync();
  }
}

/** For people to read: a message proves nothing about its keys before it is opened. */
const keyOf = ({ card }: SealedOrder) => parseMessageHeader(card).keys[0]?.key;

main().catch((error: unknown) => {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
  process.exitCode = 1;
});
