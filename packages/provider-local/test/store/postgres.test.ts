import { inspect } from 'node:util';
import { openKeyWrapProvider } from '@keywrap/core';
import { localScheme } from '@keywrap/provider-local';
import { SqlKeyStore, type SqlKeyStoreOptions } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import pg from 'pg';
import sinon from 'sinon';
import { explainPostgresError, isRejection } from '#dist/store/dialects/postgres-errors.js';
import { PostgresListener } from '#dist/store/dialects/postgres-listener.js';
import { describeKeyStore } from './contract.js';
import { missingPostgres, PASSWORD, PostgresServer } from './postgres-server.js';
import {
  arnOf,
  CHEAP,
  newKey,
  PASSPHRASE,
  PROTECTED,
  putKey,
  rejection,
  removeKey,
} from './support.js';
import { type OnCommit, TcpProxy } from './tcp-proxy.js';

const missing = missingPostgres();

describe('An error of a socket to PostgreSQL', () => {
  it('says nothing about a commit that was under way, whatever its code looks like (UNAVAILABLE)', () => {
    for (const code of ['EPIPE', 'ECONNRESET']) {
      const error = Object.assign(new Error(`write ${code}`), { code });
      expect(isRejection(error)).to.equal(false);
      expect(explainPostgresError(error, 'x').message).to.include('could not reach');
    }
    expect(isRejection(Object.assign(new Error('duplicate'), { code: '23505' }))).to.equal(true);
  });
});

describe('SqlKeyStore on PostgreSQL', function () {
  this.timeout(300_000);
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
    sinon.restore();
    for (const store of opened.splice(0)) await store.close();
  });

  async function open(options: Partial<SqlKeyStoreOptions> = {}): Promise<SqlKeyStore> {
    const store = await SqlKeyStore.open({
      location: url,
      protectedBy: PROTECTED,
      create: true,
      ...options,
    });
    opened.push(store);
    return store;
  }

  async function throughProxy(work: (proxy: TcpProxy, store: SqlKeyStore) => Promise<void>) {
    await open();
    const proxy = await TcpProxy.to(server.port);
    try {
      const location = url.replace(`:${server.port}/`, `:${proxy.port}/`);
      await work(proxy, await open({ location }));
    } finally {
      for (const store of opened.splice(0)) await store.close();
      proxy.close();
    }
  }

  describeKeyStore('on PostgreSQL', open);

  it('opens by URL, with the parameters of its client', async () => {
    process.env.KEYWRAP_TEST_PASSPHRASE = PASSPHRASE;
    await open({ protectedBy: { passphrase: PASSPHRASE }, scrypt: CHEAP });
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

  describe('changes of other processes', () => {
    const describe_ = (store: SqlKeyStore, description: string) =>
      store.change({ keys: [arnOf('a')], aliases: [] }, (change) =>
        change.putKey({ ...(change.key(arnOf('a')) ?? newKey('a')), description }),
      );

    it('are seen when PostgreSQL has sent a notification', async () => {
      const [one, other] = [await open(), await open()];
      for (let count = 0; count < 20; count++) {
        await describe_(one, `${count}`);
        await until(async () => {
          const record = other.peekKey(arnOf('a')) ?? (await other.loadKey(arnOf('a')));
          return record?.description === `${count}`;
        });
        expect(one.peekKey(arnOf('a'))?.description).to.equal(`${count}`);
      }
    });

    it('are seen by the next call with freshness always', async () => {
      const [one, other] = [await open(), await open({ freshness: 'always' })];
      for (let count = 0; count < 20; count++) {
        await describe_(one, `${count}`);
        expect(other.peekKey(arnOf('a'))).to.equal(undefined);
        expect((await other.loadKey(arnOf('a')))?.description).to.equal(`${count}`);
      }
    });

    it('are queried while nothing listens, and notified again once it does', async () => {
      const [one, other] = [await open(), await open()];
      await describe_(one, 'before');
      await until(async () => (await other.loadKey(arnOf('a'))) === other.peekKey(arnOf('a')));
      await server.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where (query like 'listen%' or query like '%pg_backend_pid%') and pid <> pg_backend_pid()`,
      );
      await until(async () => other.peekKey(arnOf('a')) === undefined);
      await describe_(one, 'after');
      expect((await other.loadKey(arnOf('a')))?.description).to.equal('after');
      await until(async () => (await other.loadKey(arnOf('a'))) === other.peekKey(arnOf('a')));
    });

    it('are queried once the network has been silent for two seconds', async () => {
      let now = 0;
      const client = new pg.Client({ connectionString: url });
      const listener = new PostgresListener(
        () => client,
        () => now,
      );
      await listener.connect();
      expect(listener.version()).to.be.a('number');
      // No query is answered any more.
      sinon.stub(client, 'query').returns(new Promise(() => {}) as never);
      now += 1_999;
      expect(listener.version()).to.be.a('number');
      now += 2;
      expect(listener.version()).to.equal(undefined);
      sinon.restore();
      await listener.close();
    });

    it('are queried through a pooler, which delivers no notifications', async () => {
      let ended = 0;
      const listener = new PostgresListener(() => {
        const client = new pg.Client({ connectionString: url });
        client.on('end', () => ended++);
        // A pooler has its own process ids.
        return Object.defineProperty(client, 'processID', { get: () => 1, set: () => {} });
      });
      await listener.connect();
      expect(listener.version()).to.equal(undefined);
      expect(ended, 'connections that keep the process alive').to.equal(1);
      await listener.close();
      const direct = new PostgresListener(() => new pg.Client({ connectionString: url }));
      await direct.connect();
      expect(direct.version()).to.be.a('number');
      await direct.close();
    });

    it('never look like an old copy of the store, however reads and changes overlap', async () => {
      const stores = [await open(), await open(), await open()];
      await describe_(stores[0] as SqlKeyStore, 'first');
      const work = stores.flatMap((store, index) => [
        ...Array.from({ length: 10 }, (_, count) => () => describe_(store, `${index} ${count}`)),
        ...Array.from({ length: 40 }, () => () => store.loadKey(arnOf('a'))),
      ]);
      await Promise.all(work.map((one) => one()));
      for (const store of stores) {
        const record = await store.loadKey(arnOf('a'));
        expect(record?.versions[0]?.material?.isDestroyed).to.equal(false);
        expect(store.generation).to.equal(31);
      }
    });
  });

  describe('a connection that is lost during a commit', () => {
    for (const [what, onCommit, isMade] of [
      ['before it reached the server', 'lose commit', false],
      ['before the response arrived', 'lose response', true],
    ] as [string, OnCommit, boolean][]) {
      it(`reports that the change may have been made: ${what}`, async () => {
        await throughProxy(async (proxy, store) => {
          await putKey(store, newKey('a'));
          proxy.onCommit = onCommit;
          const error = await rejection(removeKey(store, arnOf('a')));
          proxy.onCommit = 'pass';
          expect(error.code).to.equal('UNAVAILABLE');
          expect(error.message).to.include('the change may have been made');
          const record = store.peekKey(arnOf('a')) ?? (await store.loadKey(arnOf('a')));
          expect(record === undefined).to.equal(isMade);
          await putKey(store, newKey('b'));
        });
      });
    }
  });

  describe('errors', () => {
    const code = async (work: Promise<unknown>) => (await rejection(work)).code;

    it('never contain the password', async () => {
      const wrong = url.replace(encodeURIComponent(PASSWORD), 'hunter2');
      for (const location of [
        wrong,
        wrong.replace('hunter2', 'hun/ter2'),
        `${wrong}&password=hunter2`,
        wrong.replace(`${server.port}`, '1'),
        wrong.replace('postgres:', 'postgresql:'),
      ]) {
        const error = await rejection(open({ location }));
        expect(inspect(error, { depth: 9, showHidden: true })).not.to.match(/hunter2|ter2/);
      }
      expect(inspect(await open(), { depth: 9, showHidden: true })).not.to.include(PASSWORD);
    });

    it('distinguish a wrong password, a missing database and an unreachable server', async () => {
      expect(await code(open({ location: url.replace('keywrap:', 'other:') }))).to.equal(
        'ACCESS_DENIED',
      );
      expect(await code(open({ location: url.replace('/postgres?', '/none?') }))).to.equal(
        'INVALID_INPUT',
      );
      expect(await code(open({ location: 'postgres://a@127.0.0.1:1/b' }))).to.equal('UNAVAILABLE');
    });

    it('are not worth a retry when the URL is wrong', async () => {
      const [password] = /:[^:@/]+@/.exec(url) as unknown as [string];
      expect(await code(open({ location: url.replace(password, '@') }))).to.equal('ACCESS_DENIED');
      for (const location of [
        `${url}&sslmode=verify-full`,
        `${url}&sslmode=verify-full&sslrootcert=/none.pem`,
        url.replace('search_path', 'no_such_setting'),
        url.replace(/test_\d+/, 'no_such_schema'),
      ]) {
        const error = await rejection(open({ location }));
        expect(error, error.message).to.include({ code: 'INVALID_INPUT', retryable: false });
      }
    });

    it('of a connection that is being closed do not end the process', async () => {
      const ended = sinon.spy(pg.Client.prototype, 'end');
      const store = await open();
      await server.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`);
      for (let id = 0; id < 5; id++) await putKey(store, newKey(`k${id}`)).catch(() => {});
      await putKey(store, newKey('a'));
      expect(ended.callCount).to.be.greaterThan(0);
      for (const client of ended.thisValues) client.emit('error', new Error('terminated'));
    });

    it('say what a name may not have that PostgreSQL cannot store', async () => {
      const store = await open();
      expect(await code(store.loadKey(`${arnOf('a')}\0`))).to.equal('INVALID_INPUT');
      expect(await code(store.loadKey(`${arnOf('a')}\ud800`))).to.equal('INVALID_INPUT');
      await putKey(store, newKey('a'));
    });

    it('report that a server is read-only, while reads continue', async () => {
      await putKey(await open(), newKey('a'));
      const location = url.replace(
        'options=',
        'options=-c%20default_transaction_read_only%3Don%20',
      );
      const store = await open({ location });
      expect(await code(putKey(store, newKey('b')))).to.equal('ACCESS_DENIED');
      expect((await store.loadKey(arnOf('a')))?.id).to.equal('a');
    });

    it('report that another process held the lock for too long', async () => {
      const store = await open({ lockTimeout: 50 });
      const holder = new pg.Client({ connectionString: url });
      await holder.connect();
      await holder.query('begin');
      await holder.query('select 1 from keywrap_store for update');
      const error = await rejection(putKey(store, newKey('a')));
      await holder.end();
      expect(error.code).to.equal('UNAVAILABLE');
      expect(error.message).to.include('locked by another process');
      expect(await store.loadKey(arnOf('a'))).to.equal(undefined);
      await putKey(store, newKey('a'));
    });

    it('report damage', async () => {
      const store = await open();
      await putKey(store, newKey('a'));
      const { search } = new URL(url);
      const schema = search.slice(search.lastIndexOf('D') + 1);
      await server.query(`update ${schema}.keywrap_keys set id = 'b'`);
      expect((await store.verify()).damaged).to.have.length.greaterThan(0);
      await server.query(`drop table ${schema}.keywrap_keys`);
      expect((await rejection(store.loadKey(arnOf('a')))).name).to.equal('DamagedStoreError');
    });

    it('name the tools that back up a database', async () => {
      expect(await code((await open()).backup('copy.db'))).to.equal('UNSUPPORTED');
    });
  });

  it('is created once, however many processes try at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => open()));
    await putKey(stores[0] as SqlKeyStore, newKey('a'));
    for (const store of stores) expect((await store.loadKey(arnOf('a')))?.id).to.equal('a');
    expect((await (stores[1] as SqlKeyStore).verify()).damaged).to.deep.equal([]);
  });

  it('recovers after the server was killed and restarted', async () => {
    const store = await open();
    await putKey(store, newKey('a'));
    await server.kill();
    expect((await rejection(putKey(store, newKey('b')))).code).to.equal('UNAVAILABLE');
    await server.restart();
    await putKey(store, newKey('c'));
    expect((await store.loadKey(arnOf('a')))?.id).to.equal('a');
    expect((await store.verify()).damaged).to.deep.equal([]);
  });

  it('is not found where none was created', async () => {
    expect((await rejection(open({ create: false }))).code).to.equal('INVALID_INPUT');
  });
});

/** Asks again until it is so; the time limit of the test is the only one. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 2));
}
