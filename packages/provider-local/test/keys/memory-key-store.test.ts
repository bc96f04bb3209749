import { aliasArnOf, arnOf, type KeyRecord } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { MemoryKeyStore } from '#dist/store/memory-key-store.js';
import { record, SCOPE, version } from './support.js';

const PAGE = { scope: undefined, after: undefined, limit: 10 };
const none = { keys: [], aliases: [] };

async function put(store: MemoryKeyStore, ...keys: KeyRecord[]) {
  await store.change(none, (transaction) => {
    for (const key of keys) transaction.putKey(key);
  });
}

const alias = (name: string, keyId: string, scope = SCOPE) => ({
  scope,
  alias: `alias/${name}`,
  keyId,
  creationDate: new Date(0),
  lastUpdatedDate: new Date(0),
});

describe('A key store in memory', () => {
  it('makes a change whole or not at all', async () => {
    const store = new MemoryKeyStore();
    const [kept, next] = [await record({ id: 'kept' }), await record({ id: 'next' })];
    await put(store, kept);
    const changing = store.change({ keys: [arnOf(kept)], aliases: [] }, (transaction) => {
      transaction.putKey(next);
      transaction.putAlias(alias('a', 'next'));
      transaction.putKey({ ...kept, description: 'changed', versions: [] });
      transaction.removeKey(arnOf(kept));
      throw new Error('no');
    });
    await changing.then(
      () => expect.fail('it was made'),
      (error) => expect(error.message).to.equal('no'),
    );
    expect(await store.listKeys(PAGE)).to.deep.equal([kept]);
    expect(await store.listAliases(PAGE)).to.deep.equal([]);
    expect(kept.versions[0]?.material?.isDestroyed).to.equal(false);
  });

  it('shows a change what it named and no more', async () => {
    const store = new MemoryKeyStore();
    const key = await record({ id: 'k' });
    await put(store, key, await record({ id: 'other' }));
    await store.change(none, (transaction) => transaction.putAlias(alias('a', 'k')));
    const [a, b] = [aliasArnOf(alias('a', 'k')), aliasArnOf(alias('b', 'k'))];
    const other = arnOf({ scope: SCOPE, id: 'other' });
    await store.change({ keys: [], aliases: [a] }, (transaction) => {
      expect(transaction.alias(a)?.keyId).to.equal('k');
      expect(transaction.key(arnOf(key))).to.equal(key);
      expect(transaction.aliasesOf(arnOf(key))).to.have.length(1);
      transaction.putAlias(alias('b', 'k'));
      expect(transaction.aliasesOf(arnOf(key))).to.have.length(2);
      for (const read of [
        () => transaction.key(other),
        () => transaction.aliasesOf(other),
        () => transaction.alias(b),
        () => transaction.keysWithId('k'),
      ]) {
        expect(read).to.throw('did not name');
      }
    });
  });

  it('removes the aliases of a key with it', async () => {
    const store = new MemoryKeyStore();
    const key = await record({ id: 'k' });
    await put(store, key);
    await store.change(none, (transaction) => transaction.putAlias(alias('a', 'k')));
    await store.change({ keys: [arnOf(key)], aliases: [] }, (transaction) =>
      transaction.removeKey(arnOf(key)),
    );
    expect(await store.loadAlias(aliasArnOf(alias('a', 'k')))).to.equal(undefined);
    expect(key.versions[0]?.material?.isDestroyed).to.equal(true);
  });

  it('destroys material that leaves a key, and keeps what stays or comes into use', async () => {
    const store = new MemoryKeyStore();
    const key = { ...(await record({ id: 'k' })), pendingVersion: await version('k') };
    await put(store, key);
    const used = {
      ...key,
      versions: [...key.versions, key.pendingVersion],
      pendingVersion: undefined,
    };
    await put(store, used);
    expect(key.pendingVersion.material?.isDestroyed).to.equal(false);
    await put(store, { ...used, versions: key.versions });
    expect(key.pendingVersion.material?.isDestroyed).to.equal(true);
    expect(key.versions[0]?.material?.isDestroyed).to.equal(false);
    await store.close();
    expect(key.versions[0]?.material?.isDestroyed).to.equal(true);
    expect(await store.listKeys(PAGE)).to.deep.equal([]);
  });

  it('lists pages in the order of ARNs, of one scope or of all', async () => {
    const store = new MemoryKeyStore();
    const us = { ...SCOPE, region: 'us-east-1' };
    const ids = ['c', 'a', 'b'];
    await put(store, ...(await Promise.all(ids.map((id) => record({ id })))));
    await put(store, await record({ id: 'a', scope: us }));
    const list = async (page: object) =>
      (await store.listKeys({ ...PAGE, ...page })).map(({ id, scope }) => `${scope.region}/${id}`);
    expect(await list({ scope: SCOPE })).to.deep.equal([
      'eu-west-1/a',
      'eu-west-1/b',
      'eu-west-1/c',
    ]);
    const after = arnOf({ scope: SCOPE, id: 'b' });
    expect(await list({ after })).to.deep.equal(['eu-west-1/c', 'us-east-1/a']);
    expect(await list({ after, limit: 1 })).to.deep.equal(['eu-west-1/c']);
    expect(await store.keysWithId('a')).to.have.length(2);
    await store.change(none, (transaction) => {
      for (const each of [alias('2', 'a'), alias('1', 'a'), alias('1', 'a', us)])
        transaction.putAlias(each);
    });
    const aliases = await store.listAliases(PAGE, arnOf({ scope: SCOPE, id: 'a' }));
    expect(aliases.map((each) => each.alias)).to.deep.equal(['alias/1', 'alias/2']);
  });
});
