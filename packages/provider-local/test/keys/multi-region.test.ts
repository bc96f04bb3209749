import {
  arnOf,
  daysAfter,
  deletionCancelled,
  disabled,
  imported,
  type KeyRecord,
  Keys,
  materialDeleted,
  newKeyId,
  pendingDeletion,
  rotated,
  withAutomaticRotation,
} from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { expectRejection } from '../support.js';
import { find, openKeys, record, SCOPE, version } from './support.js';

const US = { ...SCOPE, region: 'us-east-1' };
const ID = 'mrk-0123456789abcdef0123456789abcdef';

/** One multi-Region key, added in two Regions. */
async function withReplica() {
  const opened = openKeys();
  const { keys, store, clock } = opened;
  const there = new Keys(store, US, clock.now);
  const primary = await keys.add(await record({ id: ID }));
  const offered = await record({ id: ID, scope: US });
  const replica = await there.add(offered);
  return { ...opened, there, primary, offered, replica };
}

/** The parts that keys with one id share: by value, because each has separate memory. */
const shared = (key: KeyRecord | undefined) => ({
  versions: key?.versions.map(({ material, ...rest }) => ({ ...rest, bytes: material?.bytes })),
  automaticRotation: key?.automaticRotation,
});

describe('A multi-Region key', () => {
  it('has an mrk- id', () => {
    expect(newKeyId(true)).to.match(/^mrk-[0-9a-f]{32}$/);
    expect(newKeyId()).to.match(/^[0-9a-f-]{36}$/);
  });

  it('that is added in two Regions is a primary and a replica, with the same material', async () => {
    const { primary, replica, offered } = await withReplica();
    expect(primary.primaryRegion).to.equal('eu-west-1');
    expect(replica).to.include({ primaryRegion: 'eu-west-1' });
    expect(replica.scope).to.deep.equal(US);
    expect(shared(replica)).to.deep.equal(shared(primary));
    expect(replica.versions[0]?.material).to.not.equal(primary.versions[0]?.material);
    expect(offered.versions[0]?.material?.isDestroyed).to.equal(true);
  });

  it('is separate from a key with the same id in another account or partition', async () => {
    const { keys, store, clock } = openKeys();
    await keys.add(await record({ id: ID }));
    for (const scope of [
      { ...US, account: '444455556666' },
      { ...US, partition: 'aws-cn' },
    ]) {
      const other = await new Keys(store, scope, clock.now).add(await record({ id: ID, scope }));
      expect(other.primaryRegion).to.equal('us-east-1');
    }
  });

  it('has replicas of the same kind', async () => {
    const { keys, store, clock } = openKeys();
    await keys.add(await record({ id: ID }));
    const other = await record({ id: ID, scope: US, keySpec: 'HMAC_256' });
    const adding = new Keys(store, US, clock.now).add(other);
    await expectRejection(adding, 'INVALID_INPUT', 'keyId');
  });

  for (const hasOther of [false, true]) {
    const waits = hasOther ? ', and waits for another replica' : '';
    it(`has no new replicas while it is pending deletion${waits} (KEY_STATE)`, async () => {
      const { keys, store, clock } = openKeys();
      const primary = await keys.add(await record({ id: ID }));
      if (hasOther) await new Keys(store, US, clock.now).add(await record({ id: ID, scope: US }));
      await keys.change(primary, (current, hasReplicas) =>
        pendingDeletion(current, clock.now(), 7, hasReplicas),
      );
      const scope = { ...SCOPE, region: 'ap-south-1' };
      const there = new Keys(store, scope, clock.now);
      const offered = await record({ id: ID, scope });
      await expectRejection(there.add(offered), 'KEY_STATE');
      expect(offered.versions[0]?.material?.isDestroyed).to.equal(true);
      await keys.change(primary, deletionCancelled);
      await there.add(await record({ id: ID, scope }));
      expect((await find(there, ID))?.primaryRegion).to.equal(SCOPE.region);
    });
  }

  it('has replicas with the same imported material, each in its own time', async () => {
    const { keys, store, clock } = openKeys();
    const there = new Keys(store, US, clock.now);
    const external = async (scope: typeof US, byte: number) => {
      const key = await record({ id: ID, scope, origin: 'EXTERNAL' });
      return imported(key, await version(ID, byte));
    };
    const primary = await keys.add(await external(SCOPE, 1));
    await expectRejection(there.add(await external(US, 2)), 'INVALID_INPUT', 'keyMaterial');
    const replica = await there.add(await external(US, 1));
    expect(shared(replica)).to.deep.equal(shared(primary));
    await there.change(replica, (key) => materialDeleted(key));
    expect((await find(keys, ID))?.keyState).to.equal('Enabled');
    expect((await find(there, ID))?.keyState).to.equal('PendingImport');
  });

  it('rotates with its replicas, on demand', async () => {
    const { keys, there, primary } = await withReplica();
    const next = await version(ID);
    const rotation = { date: new Date(0), type: 'ON_DEMAND' } as const;
    const after = await keys.change(primary, (key) => rotated(key, next, rotation), next);
    expect(after.versions).to.have.length(2);
    expect(shared(await find(there, ID))).to.deep.equal(shared(after));
  });

  for (const [where, reader] of [
    ['primary', 'keys'],
    ['replica', 'there'],
  ] as const) {
    it(`rotates with its replicas when due, even if the ${where} is read first`, async () => {
      const { clock, primary, ...opened } = await withReplica();
      const schedule = { periodInDays: 90, nextDate: clock.now() };
      clock.passDays(-90);
      await opened.keys.change(primary, (key) => withAutomaticRotation(key, schedule));
      expect((await find(opened.there, ID))?.automaticRotation).to.deep.equal(schedule);
      clock.passDays(90);
      expect((await find(opened[reader], ID))?.versions).to.have.length(2);
      const [one, other] = [await find(opened.keys, ID), await find(opened.there, ID)];
      expect(shared(other)).to.deep.equal(shared(one));
      expect(one?.versions).to.have.length(2);
    });
  }

  it('has a state in each Region', async () => {
    const { keys, there, replica } = await withReplica();
    await there.change(replica, disabled);
    expect((await find(keys, ID))?.keyState).to.equal('Enabled');
    expect((await find(there, ID))?.keyState).to.equal('Disabled');
  });

  /** Schedules the deletion of both, as the time passes. */
  const scheduleBoth = async (days: { readonly primary: number; readonly replica: number }) => {
    const opened = await withReplica();
    const { keys, there, clock, primary, replica } = opened;
    const schedule = (here: Keys, key: KeyRecord, window: number) =>
      here.change(key, (current, hasReplicas) =>
        pendingDeletion(current, clock.now(), window, hasReplicas),
      );
    const scheduled = await schedule(keys, primary, days.primary);
    const waiting = { keyState: 'PendingReplicaDeletion', pendingWindowInDays: days.primary };
    expect(scheduled).to.include({ ...waiting, deletionDate: undefined });
    clock.passDays(400);
    expect(await find(keys, ID)).to.include(waiting);
    const { deletionDate } = await schedule(there, replica, days.replica);
    expect(await find(keys, ID)).to.include(waiting);
    return { ...opened, replicaDeleted: deletionDate as Date };
  };

  for (const [where, reader] of [
    ['primary', 'keys'],
    ['replica', 'there'],
  ] as const) {
    it(`is deleted after its replicas: its days begin with the deletion of the last, even if the ${where} is read first`, async () => {
      const days = { primary: 10, replica: 7 };
      const { clock, replicaDeleted, ...opened } = await scheduleBoth(days);
      const { keys, there } = opened;
      clock.passDays(8);
      await find(opened[reader], ID);
      expect(await find(there, ID)).to.equal(undefined);
      const primary = await find(keys, ID);
      expect(primary).to.include({ keyState: 'PendingDeletion', pendingWindowInDays: undefined });
      expect(primary?.deletionDate).to.deep.equal(daysAfter(replicaDeleted, 10));
      clock.passDays(8);
      expect((await find(keys, ID))?.keyState).to.equal('PendingDeletion');
      clock.passDays(1);
      expect(await find(keys, ID)).to.equal(undefined);
    });

    it(`is gone when all its days have passed unseen, even if the ${where} is read first`, async () => {
      const { clock, ...opened } = await scheduleBoth({ primary: 10, replica: 7 });
      clock.passDays(17);
      expect(await find(opened[reader], ID)).to.equal(undefined);
      expect(await find(opened.keys, ID)).to.equal(undefined);
      expect(await find(opened.there, ID)).to.equal(undefined);
    });
  }

  it('that waits for its replicas to be deleted can be kept; the state of a replica is its own', async () => {
    const { keys, there } = await scheduleBoth({ primary: 10, replica: 7 });
    const key = (await find(keys, ID)) as KeyRecord;
    expect(await keys.change(key, deletionCancelled)).to.include({
      keyState: 'Disabled',
      pendingWindowInDays: undefined,
    });
    expect((await find(there, ID))?.keyState).to.equal('PendingDeletion');
  });

  it('with imported material waits for its replicas too', async () => {
    const { keys, store, clock } = openKeys();
    const there = new Keys(store, US, clock.now);
    const external = async (scope: typeof US) =>
      imported(await record({ id: ID, scope, origin: 'EXTERNAL' }), await version(ID, 1));
    const [primary, replica] = [
      await keys.add(await external(SCOPE)),
      await there.add(await external(US)),
    ];
    const schedule = (key: KeyRecord, hasReplicas: boolean) =>
      pendingDeletion(key, clock.now(), 7, hasReplicas);
    expect((await keys.change(primary, schedule)).keyState).to.equal('PendingReplicaDeletion');
    expect((await there.change(replica, schedule)).keyState).to.equal('PendingDeletion');
    clock.passDays(7);
    expect(await find(there, ID)).to.equal(undefined);
    expect((await find(keys, ID))?.deletionDate).to.deep.equal(daysAfter(clock.now(), 7));
  });

  it('that is primary in two Regions, as an earlier release made it, stays two keys', async () => {
    const { keys, store, clock } = openKeys();
    const there = new Keys(store, US, clock.now);
    const both = [await record({ id: ID }), await record({ id: ID, scope: US })];
    await store.change({ keys: both.map(arnOf), aliases: [] }, (transaction) => {
      for (const key of both) transaction.putKey(key);
    });
    for (const [here, key] of [
      [keys, both[0]],
      [there, both[1]],
    ] as const) {
      const next = await version(ID);
      const rotation = { date: clock.now(), type: 'ON_DEMAND' } as const;
      await here.change(key as KeyRecord, (current) => rotated(current, next, rotation), next);
    }
    for (const here of [keys, there]) {
      expect((await find(here, ID))?.versions).to.have.length(2);
    }
  });

  it('does not mix the material of a replica with that of a new key under the id of its primary', async () => {
    const { keys, there, clock, primary, replica } = await withReplica();
    // As an earlier release scheduled it.
    await keys.change(primary, (key) => pendingDeletion(key, clock.now(), 7));
    clock.passDays(7);
    const other = await keys.add(await record({ id: ID }));
    const next = await version(ID);
    const rotation = { date: clock.now(), type: 'ON_DEMAND' } as const;
    expect(
      (await keys.change(other, (key) => rotated(key, next, rotation), next)).versions,
    ).to.have.length(2);
    expect(await find(there, ID)).to.equal(replica);
  });

  it('keeps its material when a replica is removed, and a replica when its primary is', async () => {
    const { store, primary, replica } = await withReplica();
    const names = { keys: [arnOf(primary)], aliases: [] };
    await store.change(names, (transaction) => transaction.removeKey(arnOf(primary)));
    expect(primary.versions[0]?.material?.isDestroyed).to.equal(true);
    expect(replica.versions[0]?.material?.isDestroyed).to.equal(false);
  });
});
