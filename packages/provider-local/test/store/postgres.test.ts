import { SqlKeyStore, type SqlKeyStoreOptions } from '@keywrap/provider-local/store';
import { describeKeyStore } from './contract.js';
import { missingPostgres, PostgresServer } from './postgres-server.js';
import { CHEAP, PASSPHRASE } from './support.js';

const missing = missingPostgres();

describe('SqlKeyStore on PostgreSQL', function () {
  this.timeout(120_000);
  let server: PostgresServer;
  let url = '';
  const opened: SqlKeyStore[] = [];

  before(async function () {
    if (missing !== undefined) {
      console.warn(`      not tested: ${missing}`);
      this.skip();
    }
    server = await PostgresServer.start();
  });
  after(() => server?.stop());
  beforeEach(async () => {
    url = await server.newUrl();
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  async function open(options: Partial<SqlKeyStoreOptions> = {}): Promise<SqlKeyStore> {
    const store = await SqlKeyStore.open({
      location: url,
      protectedBy: { passphrase: PASSPHRASE },
      create: true,
      scrypt: CHEAP,
      ...options,
    });
    opened.push(store);
    return store;
  }

  describeKeyStore('on PostgreSQL', open);
});
