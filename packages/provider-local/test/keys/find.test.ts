import { parseKeyId } from '@keywrap/core';
import {
  arnOf,
  createAlias,
  type KeyRecord,
  Keys,
  pendingDeletion,
} from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { diskFull, find, openKeys, record, SCOPE } from './support.js';

describe('The keys of a scope', () => {
  it('are found by id, ARN, alias and alias ARN, synchronously if the store has them in memory', async () => {
    const { keys } = openKeys();
    const key = await keys.add(await record({ id: 'k' }), 'alias/orders');
    for (const name of ['k', arnOf(key), 'alias/orders', keys.aliasArnOf('alias/orders')]) {
      expect(keys.peek(parseKeyId(name)), name).to.equal(key);
      expect(await keys.load(parseKeyId(name)), name).to.equal(key);
    }
  });

  it('are not found in another scope', async () => {
    const { keys } = openKeys();
    await keys.add(await record({ id: 'k' }));
    const elsewhere = parseKeyId('arn:aws:kms:us-east-1:111122223333:key/k');
    expect(keys.isHere(elsewhere)).to.equal(false);
    expect(keys.isHere(parseKeyId('k'))).to.equal(true);
    expect(await find(keys, 'arn:aws:kms:us-east-1:111122223333:key/k')).to.equal(undefined);
    expect(await find(keys, 'arn:aws:kms:eu-west-1:444455556666:key/k')).to.equal(undefined);
    expect(await find(keys, 'arn:aws-cn:kms:eu-west-1:111122223333:key/k')).to.equal(undefined);
  });

  it('are separate from those of other scopes in one store', async () => {
    const { keys, store, clock } = openKeys();
    const there = new Keys(store, { ...SCOPE, region: 'us-east-1' }, clock.now);
    await keys.add(await record({ id: 'k' }), 'alias/a');
    expect(await find(there, 'k')).to.equal(undefined);
    expect(await find(there, 'alias/a')).to.equal(undefined);
    expect(await there.list({ after: undefined, limit: 10 })).to.deep.equal([]);
  });

  it('are listed in pages, without those that are deleted by now', async () => {
    const { keys, clock, store } = openKeys();
    for (const id of ['a', 'b', 'c', 'd']) await keys.add(await record({ id }), `alias/${id}`);
    for (const id of ['a', 'c']) {
      const key = await find(keys, id);
      await keys.change(key as KeyRecord, (current) => pendingDeletion(current, clock.now(), 7));
    }
    clock.passDays(7);
    const ids = async (after?: string) =>
      (await keys.list({ after, limit: 1 })).map(({ id }) => id);
    expect(await ids()).to.deep.equal(['b']);
    expect(await ids(keys.arnOf('b'))).to.deep.equal(['d']);
    expect(await ids(keys.arnOf('d'))).to.deep.equal([]);
    const aliases = await keys.listAliases({ after: undefined, limit: 10 });
    expect(aliases.map(({ alias }) => alias)).to.deep.equal(['alias/b', 'alias/d']);
    expect(await store.listKeys({ scope: undefined, after: undefined, limit: 9 })).to.have.length(
      2,
    );
  });

  it('list the aliases of one key', async () => {
    const { keys } = openKeys();
    const key = await keys.add(await record(), 'alias/b');
    await createAlias(keys, 'alias/a', key);
    await keys.add(await record(), 'alias/c');
    const aliases = await keys.listAliases({ after: undefined, limit: 10 }, key);
    expect(aliases.map(({ alias }) => alias)).to.deep.equal(['alias/a', 'alias/b']);
  });

  it('do not change when a key with the same id or alias is added, whose material is destroyed', async () => {
    const { keys } = openKeys();
    const first = await keys.add(await record({ id: 'k' }), 'alias/a');
    for (const next of [await record({ id: 'k' }), await record({ id: 'other' })]) {
      expect(await keys.add(next, 'alias/a')).to.equal(first);
      expect(next.versions[0]?.material?.isDestroyed).to.equal(true);
    }
    expect(first.versions[0]?.material?.isDestroyed).to.equal(false);
    expect(await find(keys, 'other')).to.equal(undefined);
  });

  it('destroy the material of a key that could not be added', async () => {
    const { keys, store } = openKeys();
    const key = await record();
    store.failure = diskFull();
    await keys.add(key).then(
      () => expect.fail('it was added'),
      (error) => expect(error).to.equal(store.failure),
    );
    expect(key.versions[0]?.material?.isDestroyed).to.equal(true);
  });
});
