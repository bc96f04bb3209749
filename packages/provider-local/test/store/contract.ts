import { expect } from 'chai';
import type { KeyStore, Page } from '#dist/keys/store.js';
import {
  aliasArnOf,
  arnOf,
  fullKey,
  materialOf,
  newAlias,
  newKey,
  newVersion,
  putAlias,
  putKey,
  readable,
  rejection,
  removeKey,
  SCOPE,
} from './support.js';

const ALL: Page = { scope: undefined, after: undefined, limit: 1000 };
const NAMES = { keys: [arnOf('a')], aliases: [aliasArnOf('x')] };

/**
 * The contract of every key store.
 *
 * @param open Opens the store of one test: the first call makes it, later calls open the same keys again.
 */
export function describeKeyStore(name: string, open: () => Promise<KeyStore>): void {
  describe(name, () => {
    let store: KeyStore;
    beforeEach(async () => {
      store = await open();
    });

    it('returns every field of a key, also from a store that was opened again', async () => {
      const record = fullKey('a');
      const expected = readable(record);
      await putKey(store, record);
      expect(readable(await store.loadKey(arnOf('a')))).to.deep.equal(expected);
      const again = await open();
      expect(readable(await again.loadKey(arnOf('a')))).to.deep.equal(expected);
    });

    it('returns every field of an alias, also from a store that was opened again', async () => {
      const alias = { ...newAlias('x', 'a'), lastUpdatedDate: new Date(7) };
      await putAlias(store, alias);
      expect(await store.loadAlias(aliasArnOf('x'))).to.deep.equal(alias);
      expect(await (await open()).loadAlias(aliasArnOf('x'))).to.deep.equal(alias);
    });

    it('returns undefined for a key or alias that does not exist', async () => {
      expect(store.peekKey(arnOf('a'))).to.equal(undefined);
      expect(store.peekAlias(aliasArnOf('x'))).to.equal(undefined);
      expect(await store.loadKey(arnOf('a'))).to.equal(undefined);
      expect(await store.loadAlias(aliasArnOf('x'))).to.equal(undefined);
      expect(await store.keysWithId('a')).to.deep.equal([]);
    });

    it('peeks at records that were written or read before', async () => {
      await putKey(store, newKey('a'));
      await putAlias(store, newAlias('x', 'a'));
      expect(store.peekKey(arnOf('a'))).to.equal(await store.loadKey(arnOf('a')));
      expect(store.peekAlias(aliasArnOf('x'))?.keyId).to.equal('a');
      const again = await open();
      await again.loadKey(arnOf('a'));
      expect(again.peekKey(arnOf('a'))?.id).to.equal('a');
    });

    it('makes a key and its alias in one change', async () => {
      const result = await store.change(NAMES, (change) => {
        change.putKey(newKey('a'));
        change.putAlias(newAlias('x', 'a'));
        return change.aliasesOf(arnOf('a')).map(({ alias }) => alias);
      });
      expect(result).to.deep.equal(['alias/x']);
      expect((await store.loadAlias(aliasArnOf('x')))?.keyId).to.equal('a');
    });

    it('changes nothing when the body throws', async () => {
      await putKey(store, newKey('a', { description: 'before' }));
      const failure = new Error('no');
      const thrown = await rejection(
        store.change(NAMES, (change) => {
          change.removeKey(arnOf('a'));
          change.putAlias(newAlias('x', 'a'));
          throw failure;
        }),
      );
      expect(thrown).to.equal(failure);
      const record = await store.loadKey(arnOf('a'));
      expect(record?.description).to.equal('before');
      expect(materialOf(record).isDestroyed).to.equal(false);
      expect(await store.loadAlias(aliasArnOf('x'))).to.equal(undefined);
    });

    it('shows a change the key of a named alias, and all aliases of that key', async () => {
      await putKey(store, newKey('a'));
      for (const name of ['y', 'x', 'z']) await putAlias(store, newAlias(name, 'a'));
      await store.change({ keys: [], aliases: [aliasArnOf('x')] }, (change) => {
        expect(change.key(arnOf('a'))?.id).to.equal('a');
        const names = change.aliasesOf(arnOf('a')).map(({ alias }) => alias);
        expect(names).to.deep.equal(['alias/x', 'alias/y', 'alias/z']);
        expect(change.alias(aliasArnOf('z'))?.keyId).to.equal('a');
      });
    });

    it('shows a change its own writes', async () => {
      await store.change(NAMES, (change) => {
        const record = newKey('a');
        change.putKey(record);
        expect(change.key(arnOf('a'))).to.equal(record);
        change.putAlias(newAlias('x', 'a'));
        change.removeAlias(aliasArnOf('x'));
        expect(change.alias(aliasArnOf('x'))).to.equal(undefined);
        expect(change.aliasesOf(arnOf('a'))).to.deep.equal([]);
      });
    });

    for (const [what, act] of [
      ['key', (change) => change.key(arnOf('b'))],
      ['alias', (change) => change.alias(aliasArnOf('y'))],
      ['keysWithId', (change) => change.keysWithId('b')],
      ['aliases', (change) => change.aliasesOf(arnOf('b'))],
      ['putKey', (change) => change.putKey(newKey('b'))],
      ['removeKey', (change) => change.removeKey(arnOf('b'))],
      ['putAlias', (change) => change.putAlias(newAlias('y', 'a'))],
      ['removeAlias', (change) => change.removeAlias(aliasArnOf('y'))],
    ] as [string, Parameters<KeyStore['change']>[1]][]) {
      it(`rejects a change that uses a row it did not name: ${what}`, async () => {
        await putKey(store, newKey('b'));
        await putAlias(store, newAlias('y', 'b'));
        const error = await rejection(store.change(NAMES, act));
        expect(error.message).to.match(/^the change did not name /);
      });
    }

    it('removes the aliases of a key with the key', async () => {
      await putKey(store, newKey('a'));
      for (const name of ['x', 'y']) await putAlias(store, newAlias(name, 'a'));
      await removeKey(store, arnOf('a'));
      expect(await store.loadKey(arnOf('a'))).to.equal(undefined);
      expect(await store.listAliases(ALL)).to.deep.equal([]);
      expect(store.peekAlias(aliasArnOf('x'))).to.equal(undefined);
    });

    it('moves an alias', async () => {
      for (const id of ['a', 'b']) await putKey(store, newKey(id));
      await putAlias(store, newAlias('x', 'a'));
      await putAlias(store, newAlias('x', 'b'));
      expect(await store.listAliases(ALL, arnOf('a'))).to.deep.equal([]);
      expect(await store.listAliases(ALL, arnOf('b'))).to.have.length(1);
    });

    it('keeps one object for the material of a version, whatever else changes', async () => {
      await putKey(store, newKey('a'));
      const material = materialOf(await store.loadKey(arnOf('a')));
      await store.change(NAMES, (change) => {
        const record = change.key(arnOf('a'));
        if (record) change.putKey({ ...record, description: 'other' });
      });
      expect(materialOf(await store.loadKey(arnOf('a')))).to.equal(material);
      expect(material.isDestroyed).to.equal(false);
    });

    it('destroys material that is removed from a key', async () => {
      await putKey(store, newKey('a'));
      const material = materialOf(await store.loadKey(arnOf('a')));
      await store.change(NAMES, (change) => {
        const record = change.key(arnOf('a'));
        const versions = record?.versions.map((one) => ({ ...one, material: undefined }));
        if (record && versions) change.putKey({ ...record, versions });
      });
      expect(material.isDestroyed).to.equal(true);
      expect((await store.loadKey(arnOf('a')))?.versions).to.have.length(1);
    });

    it('destroys the material of a key that is removed', async () => {
      await putKey(store, newKey('a', { pendingVersion: newVersion('a', { version: 2 }) }));
      const record = await store.loadKey(arnOf('a'));
      await removeKey(store, arnOf('a'));
      expect(materialOf(record).isDestroyed).to.equal(true);
      expect(record?.pendingVersion?.material?.isDestroyed).to.equal(true);
    });

    it('destroys all material when it is closed, and rejects every call', async () => {
      await putKey(store, newKey('a'));
      const material = materialOf(await store.loadKey(arnOf('a')));
      await store.close();
      await store.close();
      expect(material.isDestroyed).to.equal(true);
      expect(store.peekKey(arnOf('a'))).to.equal(undefined);
      for (const work of [
        store.loadKey(arnOf('a')),
        store.loadAlias(aliasArnOf('x')),
        store.listKeys(ALL),
        store.listAliases(ALL),
        store.keysWithId('a'),
        store.change(NAMES, () => {}),
      ]) {
        expect((await rejection(work)).code).to.equal('CLOSED');
      }
    });

    it('lists keys by ARN, page by page, in one scope or in all', async () => {
      const west = { ...SCOPE, region: 'us-west-2' };
      for (const id of ['c', 'a', 'b']) await putKey(store, newKey(id));
      await putKey(store, newKey('a', { scope: west }));
      const ids = async (page: Partial<Page>) =>
        (await store.listKeys({ ...ALL, ...page })).map(({ id, scope }) => `${scope.region} ${id}`);
      expect(await ids({})).to.deep.equal([
        'eu-west-1 a',
        'eu-west-1 b',
        'eu-west-1 c',
        'us-west-2 a',
      ]);
      expect(await ids({ scope: west })).to.deep.equal(['us-west-2 a']);
      expect(await ids({ scope: SCOPE, limit: 2 })).to.deep.equal(['eu-west-1 a', 'eu-west-1 b']);
      expect(await ids({ scope: SCOPE, after: arnOf('b') })).to.deep.equal(['eu-west-1 c']);
      expect(await ids({ scope: SCOPE, after: arnOf('a', west) })).to.deep.equal([]);
      const withId = await store.keysWithId('a');
      expect(withId.map(({ scope }) => scope.region)).to.deep.equal(['eu-west-1', 'us-west-2']);
    });

    it('lists aliases by ARN, page by page, of one key or of all', async () => {
      for (const name of ['y', 'z', 'x']) await putAlias(store, newAlias(name, 'a'));
      await putAlias(store, newAlias('w', 'b'));
      await putAlias(store, newAlias('v', 'a', { ...SCOPE, account: '444455556666' }));
      const names = async (page: Partial<Page>, key?: string) =>
        (await store.listAliases({ ...ALL, ...page }, key)).map(({ alias }) => alias.slice(6));
      expect(await names({ scope: SCOPE })).to.deep.equal(['w', 'x', 'y', 'z']);
      expect(await names({})).to.have.length(5);
      expect(await names({ limit: 2, after: aliasArnOf('x') }, arnOf('a'))).to.deep.equal([
        'y',
        'z',
      ]);
    });

    it('serialises concurrent changes', async () => {
      await putKey(store, newKey('a'));
      const add = () =>
        store.change(NAMES, (change) => {
          const record = change.key(arnOf('a'));
          if (record) change.putKey({ ...record, description: `${record.description}+` });
        });
      await Promise.all(Array.from({ length: 20 }, add));
      expect((await store.loadKey(arnOf('a')))?.description).to.equal('+'.repeat(20));
    });
  });
}
