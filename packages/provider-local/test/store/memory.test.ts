import { expect } from 'chai';
import { arnOf, materialOf, newKey, putKey, useStoreFile } from './support.js';

describe('The memory of a key store', () => {
  const file = useStoreFile();

  it('keeps a limited number of records, and reads evicted ones again', async () => {
    const store = await file.open({ cachedRecords: 2 });
    for (const id of ['a', 'b', 'c']) await putKey(store, newKey(id));
    expect(store.peekKey(arnOf('a'))).to.equal(undefined);
    expect(store.peekKey(arnOf('b'))?.id).to.equal('b');
    expect(store.peekKey(arnOf('c'))?.id).to.equal('c');
    await store.loadKey(arnOf('a'));
    expect(store.peekKey(arnOf('b')), 'the one not used for longest').to.equal(undefined);
    expect(store.peekKey(arnOf('c'))?.id).to.equal('c');
  });

  it('does not destroy the material of an evicted record, which a call may be using', async () => {
    const store = await file.open({ cachedRecords: 1 });
    await putKey(store, newKey('a'));
    const material = materialOf(await store.loadKey(arnOf('a')));
    await putKey(store, newKey('b'));
    expect(material.isDestroyed).to.equal(false);
  });

  it('has one object for the material of a key, also when its record was evicted and read again', async () => {
    const store = await file.open({ cachedRecords: 1 });
    await putKey(store, newKey('a'));
    const material = materialOf(await store.loadKey(arnOf('a')));
    await putKey(store, newKey('b'));
    expect(materialOf(await store.loadKey(arnOf('a')))).to.equal(material);
  });

  it('has no material of a record that was evicted and then deleted, or whose store was closed', async () => {
    const store = await file.open({ cachedRecords: 1 });
    await putKey(store, newKey('a'));
    await putKey(store, newKey('b'));
    const [a, b] = [
      materialOf(await store.loadKey(arnOf('a'))),
      materialOf(await store.loadKey(arnOf('b'))),
    ];
    const names = { keys: [arnOf('a')], aliases: [] };
    await store.change(names, (transaction) => transaction.removeKey(arnOf('a')));
    expect(a.isDestroyed).to.equal(true);
    await putKey(store, newKey('c'));
    await store.close();
    expect(b.isDestroyed).to.equal(true);
  });

  it('has no material of an evicted record that another process deleted, once it is read', async () => {
    const store = await file.open({ cachedRecords: 1 });
    await putKey(store, newKey('a'));
    const a = materialOf(await store.loadKey(arnOf('a')));
    await putKey(store, newKey('b'));
    const other = await file.open();
    const names = { keys: [arnOf('a')], aliases: [] };
    await other.change(names, (transaction) => transaction.removeKey(arnOf('a')));
    expect(await store.loadKey(arnOf('a'))).to.equal(undefined);
    expect(a.isDestroyed).to.equal(true);
  });
});
