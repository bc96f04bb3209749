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
});
