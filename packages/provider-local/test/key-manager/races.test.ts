import { formatAliasArn, type KeyWrapError, ProviderUnavailableError } from '@keywrap/core';
import { type KeyStore, LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import type { ChangeNames, Transaction } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { ALL, expectRejection, HOME, open, randomBytes, rejection, utf8 } from '../support.js';

/** The number of fulfilled promises, and the codes of the others. */
async function outcomes(promises: readonly Promise<unknown>[]) {
  const settled = await Promise.allSettled(promises);
  const rejected = settled.filter((result) => result.status === 'rejected');
  return {
    fulfilled: settled.length - rejected.length,
    codes: rejected.map(({ reason }) => (reason as KeyWrapError).code),
  };
}

/** Keeps keys elsewhere: nothing is in memory, and every response takes a turn of the event loop. */
class DistantKeyStore extends MemoryKeyStore {
  override peekKey() {
    return undefined;
  }
  override peekAlias() {
    return undefined;
  }
  override async loadKey(arn: string) {
    await turn();
    return super.loadKey(arn);
  }
  override async loadAlias(arn: string) {
    await turn();
    return super.loadAlias(arn);
  }
  override async change<Result>(
    names: ChangeNames,
    body: (transaction: Transaction) => Result,
  ): Promise<Result> {
    await turn();
    return super.change(names, body);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

const STORES = {
  'in memory': () => new MemoryKeyStore(),
  'far away': () => new DistantKeyStore(),
};

for (const [where, makeStore] of Object.entries(STORES)) {
  describe(`Calls at the same time, with keys ${where}`, () => {
    it('createAlias of one name: one key gets it', async () => {
      const store = makeStore();
      const provider = new LocalKeyWrapProvider({ store });
      const keys = await Promise.all([provider.createKey(), provider.createKey()]);
      const alias = 'alias/orders';
      const naming = keys.map(({ keyId }) => provider.createAlias({ alias, keyId }));
      expect(await outcomes(naming)).to.deep.equal({ fulfilled: 1, codes: ['INVALID_INPUT'] });
      expect(await provider.listAliases()).to.have.length(1);
    });

    it('deleteAlias of one name: one deletes it', async () => {
      const provider = new LocalKeyWrapProvider({ store: makeStore(), keys: ['alias/orders'] });
      await provider.listKeys();
      const deleting = [1, 2].map(() => provider.deleteAlias({ alias: 'alias/orders' }));
      expect(await outcomes(deleting)).to.deep.equal({ fulfilled: 1, codes: ['KEY_NOT_FOUND'] });
    });

    it('deleteAlias and updateAlias of one name: it stays deleted', async () => {
      const provider = new LocalKeyWrapProvider({ store: makeStore(), keys: ['alias/orders'] });
      const { keyId } = await provider.createKey();
      const alias = 'alias/orders';
      const changing = [provider.deleteAlias({ alias }), provider.updateAlias({ alias, keyId })];
      expect(await outcomes(changing)).to.deep.equal({ fulfilled: 1, codes: ['KEY_NOT_FOUND'] });
      expect(await provider.listAliases()).to.deep.equal([]);
    });

    it('createKey with one alias: one key is left', async () => {
      const store = makeStore();
      const provider = new LocalKeyWrapProvider({ store });
      const making = [1, 2, 3].map(() => provider.createKey({ alias: 'alias/orders' }));
      const { fulfilled, codes } = await outcomes(making);
      expect(fulfilled).to.equal(1);
      expect(codes).to.deep.equal(['INVALID_INPUT', 'INVALID_INPUT']);
      expect(await provider.listKeys()).to.have.length(1);
    });

    it('rotateKey: both make a version, and both decrypt', async () => {
      const store = makeStore();
      const provider = new LocalKeyWrapProvider({ store });
      const { keyId } = await provider.createKey();
      const encrypting = () => provider.encrypt({ keyId, plaintext: utf8('x') });
      const first = encrypting();
      await Promise.all([provider.rotateKey({ keyId }), provider.rotateKey({ keyId })]);
      const [key] = await store.listKeys(ALL);
      expect(key?.versions.map(({ version }) => version)).to.deep.equal([1, 2, 3]);
      for (const { ciphertext } of [await first, await encrypting()]) {
        expect((await provider.decrypt({ ciphertext })).plaintext).to.deep.equal(utf8('x'));
      }
    });

    it('importKeyMaterial of two materials: one stays', async () => {
      const provider = new LocalKeyWrapProvider({ store: makeStore() });
      const { keyId } = await provider.createKey({ origin: 'EXTERNAL' });
      const importing = [1, 2].map(() =>
        provider.importKeyMaterial({ keyId, keyMaterial: randomBytes(32) }),
      );
      expect(await outcomes(importing)).to.deep.equal({ fulfilled: 1, codes: ['INVALID_INPUT'] });
      const { ciphertext } = await provider.encrypt({ keyId, plaintext: utf8('x') });
      expect((await provider.decrypt({ ciphertext })).plaintext).to.deep.equal(utf8('x'));
    });

    it('scheduleKeyDeletion: one schedules it', async () => {
      const provider = new LocalKeyWrapProvider({ store: makeStore() });
      const { keyId } = await provider.createKey();
      const deleting = [7, 30].map((pendingWindowInDays) =>
        provider.scheduleKeyDeletion({ keyId, pendingWindowInDays }),
      );
      expect(await outcomes(deleting)).to.deep.equal({ fulfilled: 1, codes: ['KEY_STATE'] });
    });

    for (const keyId of [
      'alias/missing',
      'missing',
      'arn:aws:kms:us-east-1:111122223333:key/missing',
    ]) {
      it(`the first use of ${keyId} with createMissingKeys, of two providers: one key is made`, async () => {
        const store = makeStore();
        const providers = [1, 2].map(
          () => new LocalKeyWrapProvider({ store, createMissingKeys: true }),
        );
        const sealed = await Promise.all(
          [...providers, ...providers].map((each) => each.encrypt({ keyId, plaintext: utf8('x') })),
        );
        expect(await store.listKeys(ALL)).to.have.length(1);
        expect(new Set(sealed.map((result) => result.keyId)).size).to.equal(1);
        for (const { ciphertext } of sealed) {
          const [reader] = providers;
          const opened = await reader?.decrypt({ keyId, ciphertext });
          expect(opened?.plaintext).to.deep.equal(utf8('x'));
        }
      });
    }

    it('the first use of two providers with the same key material: one key is made, and it works', async () => {
      const store = makeStore();
      const keys = [{ keyId: 'alias/orders', keyMaterial: randomBytes(32) }];
      const providers = [1, 2].map(() => new LocalKeyWrapProvider({ store, keys }));
      const sealed = await Promise.all(
        providers.map((each) => each.encrypt({ keyId: 'alias/orders', plaintext: utf8('x') })),
      );
      expect(await store.listKeys(ALL)).to.have.length(1);
      const [key] = await store.listKeys(ALL);
      expect(key?.versions[0]?.material?.bytes).to.deep.equal(keys[0]?.keyMaterial);
      expect(sealed[0]?.keyId).to.equal(sealed[1]?.keyId);
    });

    it('close waits for running calls', async () => {
      const provider = new LocalKeyWrapProvider({ store: makeStore(), keys: ['alias/a'] });
      const dataKey = provider.generateDataKey({ keyId: 'alias/a', keySpec: 'AES_256' });
      const closing = provider.close();
      expect((await dataKey).plaintext).to.have.length(32);
      await closing;
      await expectRejection(provider.listKeys(), 'CLOSED');
    });
  });
}

describe('A key store that fails', () => {
  /** Fails in one method until it is fixed. */
  const failing = (method: keyof MemoryKeyStore, failure: Error) => {
    const store = new MemoryKeyStore();
    const working = store[method];
    const fail = () => {
      throw failure;
    };
    Object.assign(store, { [method]: fail });
    return { store, fix: () => Object.assign(store, { [method]: working }) };
  };

  it('passes on its error, and the call can be repeated', async () => {
    const failure = new ProviderUnavailableError('disk full');
    const { store, fix } = failing('loadAlias', failure);
    const provider = new LocalKeyWrapProvider({ store, keys: ['alias/a'] });
    const call = () => provider.encrypt({ keyId: 'alias/a', plaintext: utf8('x') });
    expect(await call().catch((reason: unknown) => reason)).to.equal(failure);
    expect(failure).to.include({ operation: 'encrypt', keyId: 'alias/a' });
    fix();
    await call();
    expect(await store.listKeys(ALL)).to.have.length(1);
  });

  it('with an unknown error is a fault of the provider, not an outage (INTERNAL)', async () => {
    const failure = new Error('disk full');
    const { store } = failing('loadAlias', failure);
    const provider = new LocalKeyWrapProvider({ store, keys: ['alias/a'] });
    const error = await rejection(provider.listKeys());
    expect(error).to.include({ code: 'INTERNAL', retryable: false, cause: failure });
  });

  it('while a key and its alias are written: creates neither', async () => {
    const { store, fix } = failing('change', new ProviderUnavailableError('disk full'));
    const provider = new LocalKeyWrapProvider({ store });
    await expectRejection(provider.createKey({ alias: 'alias/a' }), 'UNAVAILABLE');
    expect(await store.listKeys(ALL)).to.deep.equal([]);
    fix();
    await provider.createKey({ alias: 'alias/a' });
  });

  it('by losing a key while it is changed: the key is not found', async () => {
    const { provider, store } = open();
    const { keyId } = await provider.createKey();
    const load = store.loadKey.bind(store);
    store.loadKey = async (arn) => {
      const key = await load(arn);
      await remove(store, arn);
      return key;
    };
    await expectRejection(provider.disableKey({ keyId }), 'KEY_NOT_FOUND');
    expect(await store.listKeys(ALL)).to.deep.equal([]);
  });

  for (const [how, use] of [
    ['createKey', ({ provider }) => provider.createKey({ alias: 'alias/a' })],
    [
      'createAlias',
      async ({ provider }) => {
        const { keyId } = await provider.createKey();
        return provider.createAlias({ alias: 'alias/a', keyId });
      },
    ],
    [
      'createMissingKeys',
      ({ store }) =>
        new LocalKeyWrapProvider({ store, createMissingKeys: true }).describeKey({
          keyId: 'alias/a',
        }),
    ],
  ] as const satisfies readonly (readonly [
    string,
    (opened: ReturnType<typeof open>) => Promise<{ keyId: string }>,
  ])[]) {
    it(`by losing the key of an alias: the name is free for ${how}`, async () => {
      const opened = open();
      const { provider, store } = opened;
      const dates = { creationDate: new Date(0), lastUpdatedDate: new Date(0) };
      const names = { keys: [], aliases: [formatAliasArn('alias/a', HOME)], ids: [] };
      await store.change(names, (transaction) =>
        transaction.putAlias({ scope: HOME, alias: 'alias/a', keyId: 'nobody', ...dates }),
      );
      await expectRejection(provider.describeKey({ keyId: 'alias/a' }), 'KEY_NOT_FOUND');
      expect(await provider.listAliases()).to.deep.equal([]);
      const { keyId } = await use(opened);
      expect((await provider.describeKey({ keyId: 'alias/a' })).keyId).to.equal(keyId);
    });
  }
});

const remove = (store: KeyStore, arn: string) =>
  store.change({ keys: [arn], aliases: [], ids: [] }, (transaction) => transaction.removeKey(arn));
