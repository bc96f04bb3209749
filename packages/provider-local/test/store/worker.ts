// Another process that uses a store: each message is a task, and the response is sent when it is done.

import { pathToFileURL } from 'node:url';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { loadSqlite } from '#dist/store/dialects/sqlite-binding.js';
import { arnOf, newKey, PASSPHRASE, putKey, removeKey } from './support.js';

/** The task of the other process. */
export type Order =
  | { readonly do: 'put'; readonly id: string; readonly description: string }
  | { readonly do: 'remove'; readonly id: string }
  | { readonly do: 'read'; readonly id: string }
  /** Takes the write lock, and keeps it until `unlock`. */
  | { readonly do: 'lock' }
  | { readonly do: 'unlock' };

const location = process.argv[2] as string;
const store = await SqlKeyStore.open({ location, protectedBy: { passphrase: PASSPHRASE } });
const { DatabaseSync } = await loadSqlite();
const raw = new DatabaseSync(pathToFileURL(location), { timeout: 5000 });

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'put':
      return putKey(store, newKey(order.id, { description: order.description }));
    case 'remove':
      return removeKey(store, arnOf(order.id));
    case 'read':
      return (await store.loadKey(arnOf(order.id)))?.description;
    case 'lock':
      return raw.exec('begin immediate');
    case 'unlock':
      return raw.exec('rollback');
  }
}

process.on('message', async (order: Order) => {
  try {
    process.send?.({ result: await obey(order) });
  } catch (error) {
    process.send?.({ error: String((error as Error).stack) });
  }
});
process.send?.({ result: 'ready' });
