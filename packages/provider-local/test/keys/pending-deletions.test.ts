import { createAlias, Keys, pendingDeletion } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { PendingDeletions } from '#dist/keys/pending-deletions.js';
import { arnOf } from '#dist/keys/record.js';
import { MemoryKeyStore } from '#dist/store/memory-key-store.js';
import { Clock } from '../support.js';
import { record, SCOPE } from './support.js';

describe('Keys that are pending deletion', () => {
  it('leave the store after their day, though nobody reads them, whatever their Region', async () => {
    const clock = new Clock();
    const store = new MemoryKeyStore();
    const deletions = new PendingDeletions();
    const here = new Keys(store, SCOPE, clock.now, deletions);
    const elsewhere = new Keys(store, { ...SCOPE, region: 'us-east-1' }, clock.now, deletions);
    const gone = await here.add(await record());
    await createAlias(here, 'alias/gone', gone);
    const kept = await here.add(await record());
    await here.change(gone, (key) => pendingDeletion(key, clock.now(), 7));
    await here.change(kept, (key) => pendingDeletion(key, clock.now(), 9));
    clock.passDays(8);
    await elsewhere.add(await record({ scope: elsewhere.scope }));
    expect(store.peekKey(arnOf(gone))).to.equal(undefined);
    expect(store.peekAlias(here.aliasArnOf('alias/gone'))).to.equal(undefined);
    expect(store.peekKey(arnOf(kept))?.keyState).to.equal('PendingDeletion');
  });
});
