import { openKeyWrapProvider } from '@keywrap/core';
import { localScheme } from '@keywrap/provider-local';
import { SqlKeyStore, type SqlKeyStoreOptions } from '@keywrap/provider-local/store';
import { expect } from 'chai';
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

  it('opens by URL, with the parameters of its client', async () => {
    process.env.KEYWRAP_TEST_PASSPHRASE = PASSPHRASE;
    await open();
    const parameters = 'passphraseEnv=KEYWRAP_TEST_PASSPHRASE&freshness=always&keys=alias/a';
    const named = `local+${url}&${parameters}`;
    const plaintext = Uint8Array.of(7);
    const keyId = 'alias/a';
    await using one = await openKeyWrapProvider(named, [localScheme]);
    await using other = await openKeyWrapProvider(named, [localScheme]);
    const { ciphertext } = await one.encrypt({ keyId, plaintext });
    expect((await other.decrypt({ keyId, ciphertext })).plaintext).to.deep.equal(plaintext);
    delete process.env.KEYWRAP_TEST_PASSPHRASE;
  });
});
