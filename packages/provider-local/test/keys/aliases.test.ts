import {
  createAlias,
  deleteAlias,
  type KeyRecord,
  pendingDeletion,
  updateAlias,
} from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { expectRejection } from '../support.js';
import { find, openKeys, record } from './support.js';

async function withKeys() {
  const opened = openKeys();
  const first = await opened.keys.add(await record({ id: 'first' }));
  const second = await opened.keys.add(await record({ id: 'second' }));
  return { ...opened, first, second };
}

describe('Aliases', () => {
  it('have dates, which move when they are updated', async () => {
    const { keys, clock, first, second } = await withKeys();
    const created = clock.now();
    expect(await createAlias(keys, 'alias/a', first)).to.deep.include({
      keyId: 'first',
      creationDate: created,
      lastUpdatedDate: created,
    });
    clock.passDays(1);
    expect(await updateAlias(keys, 'alias/a', second)).to.deep.include({
      keyId: 'second',
      creationDate: created,
      lastUpdatedDate: clock.now(),
    });
    expect(await find(keys, 'alias/a')).to.equal(second);
  });

  it('belong to one key', async () => {
    const { keys, first, second } = await withKeys();
    await createAlias(keys, 'alias/a', first);
    await expectRejection(createAlias(keys, 'alias/a', second), 'INVALID_INPUT', 'alias');
    expect(await find(keys, 'alias/a')).to.equal(first);
  });

  it('are gone once deleted', async () => {
    const { keys, first } = await withKeys();
    await createAlias(keys, 'alias/a', first);
    await deleteAlias(keys, 'alias/a');
    expect(await find(keys, 'alias/a')).to.equal(undefined);
    await expectRejection(deleteAlias(keys, 'alias/a'), 'KEY_NOT_FOUND');
    await expectRejection(updateAlias(keys, 'alias/a', first), 'KEY_NOT_FOUND');
  });

  it('of a deleted key are free', async () => {
    const { keys, clock, first, second } = await withKeys();
    await createAlias(keys, 'alias/a', first);
    await createAlias(keys, 'alias/b', first);
    await keys.change(first, (key) => pendingDeletion(key, clock.now(), 7));
    clock.passDays(7);
    await expectRejection(updateAlias(keys, 'alias/a', second), 'KEY_NOT_FOUND');
    await createAlias(keys, 'alias/a', second);
    expect((await find(keys, 'alias/a'))?.id).to.equal('second');
    await expectRejection(deleteAlias(keys, 'alias/b'), 'KEY_NOT_FOUND');
    await expectRejection(createAlias(keys, 'alias/c', first), 'KEY_NOT_FOUND');
  });

  it('are at most 50 of a key, however many are created at the same time', async () => {
    const { keys, first, second } = await withKeys();
    const creating = Array.from({ length: 60 }, (_, i) => createAlias(keys, `alias/${i}`, first));
    const settled = await Promise.allSettled(creating);
    const rejected = settled.filter((result) => result.status === 'rejected');
    expect(rejected.map(({ reason }) => reason.code)).to.deep.equal(Array(10).fill('THROTTLED'));
    await createAlias(keys, 'alias/other', second);
    await expectRejection(updateAlias(keys, 'alias/other', first), 'THROTTLED');
    await updateAlias(keys, 'alias/1', first);
    await deleteAlias(keys, 'alias/1');
    await updateAlias(keys, 'alias/other', first);
  });

  it('move between keys of one kind and usage only', async () => {
    const { keys, first } = await withKeys();
    await createAlias(keys, 'alias/a', first);
    const kinds: Partial<KeyRecord>[] = [
      { keySpec: 'RSA_2048' },
      { keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC' },
    ];
    for (const kind of kinds) {
      const other = await keys.add({ ...(await record()), ...kind });
      await expectRejection(updateAlias(keys, 'alias/a', other), 'INVALID_INPUT', 'keyId');
    }
    expect(await find(keys, 'alias/a')).to.equal(first);
  });

  it('are rejected for a key that is pending deletion', async () => {
    const { keys, clock, first, second } = await withKeys();
    await createAlias(keys, 'alias/b', second);
    const doomed = await keys.change(first, (key) => pendingDeletion(key, clock.now(), 7));
    await expectRejection(createAlias(keys, 'alias/a', doomed), 'KEY_STATE');
    await expectRejection(updateAlias(keys, 'alias/b', doomed), 'KEY_STATE');
  });
});
