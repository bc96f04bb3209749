import { ThrottledError } from '@keywrap/core';
import {
  arnOf,
  disabled,
  enabled,
  imported,
  type KeyRecord,
  pendingDeletion,
  withAutomaticRotation,
} from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { expectRejection } from '../support.js';
import { diskFull, find, materials, openKeys, record, version } from './support.js';

const YEAR = 365;

async function withRotatingKey() {
  const opened = openKeys();
  const { keys, clock } = opened;
  const nextDate = new Date(clock.now().getTime() + YEAR * 24 * 3600_000);
  const key = await keys.change(await keys.add(await record({ id: 'k' })), (current) =>
    withAutomaticRotation(current, { periodInDays: YEAR, nextDate }),
  );
  return { ...opened, key, nextDate };
}

async function withDoomedKey() {
  const opened = openKeys();
  const { keys, clock } = opened;
  const key = await keys.change(await keys.add(await record({ id: 'k' }), 'alias/k'), (current) =>
    pendingDeletion(current, clock.now(), 7),
  );
  clock.passDays(7);
  return { ...opened, key };
}

async function withExpiringKey() {
  const opened = openKeys();
  const { keys, clock } = opened;
  const added = await keys.add(await record({ id: 'k', origin: 'EXTERNAL' }));
  const next = await version('k', 7, new Date(clock.now().getTime() + 3600_000));
  const key = await keys.change(added, (current) => imported(current, next), next);
  return { ...opened, key };
}

describe('Due changes', () => {
  it('a deletion hides the key, removes it and destroys its material', async () => {
    const { keys, store, key } = await withDoomedKey();
    expect(await find(keys, 'k')).to.equal(undefined);
    expect(await find(keys, 'alias/k')).to.equal(undefined);
    expect(store.peekKey(arnOf(key))).to.equal(undefined);
    expect(store.peekAlias(keys.aliasArnOf('alias/k'))).to.equal(undefined);
    expect(key.versions[0]?.material?.isDestroyed).to.equal(true);
  });

  it("a deletion hides the key even if it can't be written yet", async () => {
    const { keys, store, key } = await withDoomedKey();
    store.failure = diskFull();
    expect(await find(keys, 'k')).to.equal(undefined);
    expect(await keys.list({ after: undefined, limit: 5 })).to.deep.equal([]);
    expect(store.peekKey(arnOf(key))).to.equal(key);
    store.failure = undefined;
    expect(await find(keys, 'k')).to.equal(undefined);
    expect(store.peekKey(arnOf(key))).to.equal(undefined);
  });

  it('a deletion frees the id and the aliases', async () => {
    const { keys, key } = await withDoomedKey();
    const next = await keys.add(await record({ id: 'k' }));
    expect(next).to.not.equal(key);
    expect(await find(keys, 'k')).to.equal(next);
    expect(await find(keys, 'alias/k')).to.equal(undefined);
  });

  it("a deletion can't be cancelled afterwards", async () => {
    const { keys, key } = await withDoomedKey();
    await expectRejection(keys.change(key, enabled), 'KEY_NOT_FOUND');
  });

  it('an automatic rotation makes one new version, however many readers there are', async () => {
    const { keys, store, clock, nextDate } = await withRotatingKey();
    clock.passDays(YEAR);
    const before = store.changes;
    const read = await Promise.all([find(keys, 'k'), find(keys, 'k'), find(keys, 'k')]);
    for (const key of read) {
      expect(key?.versions.map(({ rotation }) => rotation)).to.deep.equal([
        undefined,
        { date: nextDate, type: 'AUTOMATIC' },
      ]);
    }
    expect(store.changes - before).to.equal(1);
    expect(read[0]?.versions.map((each) => each.version)).to.deep.equal([1, 2]);
    expect(new Set(read[0]?.versions.map(({ materialId }) => materialId)).size).to.equal(2);
  });

  it('all automatic rotations that were missed are made', async () => {
    const { keys, clock, nextDate } = await withRotatingKey();
    clock.passDays(3 * YEAR);
    const key = await find(keys, 'k');
    expect(key?.versions).to.have.length(4);
    const passed = 3 * YEAR * 24 * 3600_000;
    expect(key?.automaticRotation?.nextDate).to.deep.equal(new Date(nextDate.getTime() + passed));
  });

  it("an automatic rotation that can't be written leaves the key usable", async () => {
    const { keys, store, clock, key } = await withRotatingKey();
    clock.passDays(YEAR);
    store.failure = diskFull();
    const read = await find(keys, 'k');
    expect(materials(read)).to.deep.equal(materials(key));
    expect(read?.keyState).to.equal('Enabled');
    store.failure = undefined;
    expect((await find(keys, 'k'))?.versions).to.have.length(2);
  });

  it('a disabled key rotates when it is enabled again', async () => {
    const { keys, clock, key } = await withRotatingKey();
    await keys.change(key, disabled);
    clock.passDays(YEAR);
    expect((await find(keys, 'k'))?.versions).to.have.length(1);
    await keys.change((await find(keys, 'k')) as KeyRecord, enabled);
    expect((await find(keys, 'k'))?.versions).to.have.length(2);
  });

  it('expired material is removed, and the key is pending import', async () => {
    const { keys, clock, key } = await withExpiringKey();
    expect((await find(keys, 'k'))?.keyState).to.equal('Enabled');
    clock.passDays(1);
    const expired = await find(keys, 'k');
    expect(expired).to.include({ keyState: 'PendingImport' });
    expect(materials(expired)).to.deep.equal(['missing']);
    expect(key.versions[0]?.material?.isDestroyed).to.equal(true);
  });

  it("expired material is not used even if its expiry can't be written", async () => {
    const { keys, store, clock } = await withExpiringKey();
    clock.passDays(1);
    store.failure = diskFull();
    const expired = await find(keys, 'k');
    expect(expired).to.include({ keyState: 'PendingImport' });
    expect(materials(expired)).to.deep.equal(['missing']);
  });

  it('a failure that says nothing about writing is not hidden', async () => {
    const { keys, store } = await withDoomedKey();
    store.failure = new ThrottledError('too many');
    await expectRejection(find(keys, 'k'), 'THROTTLED');
  });
});
