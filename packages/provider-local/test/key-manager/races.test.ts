import { KeyWrapError } from '@keywrap/core';
import {
  type KeyRecord,
  type KeyStore,
  LocalKeyWrapProvider,
  MemoryKeyStore,
} from '@keywrap/provider-local';
import { expect } from 'chai';
import { expectRefusal, open, randomBytes, utf8 } from '../support.js';

/** How many were fulfilled, and the codes of the others. */
async function outcomes(promises: readonly Promise<unknown>[]) {
  const settled = await Promise.allSettled(promises);
  const rejected = settled.filter((result) => result.status === 'rejected');
  return {
    fulfilled: settled.length - rejected.length,
    codes: rejected.map(({ reason }) => (reason as KeyWrapError).code),
  };
}

/** Keeps keys elsewhere: every answer takes a turn of the event loop, and every record is a new copy. */
class DistantKeyStore implements KeyStore {
  readonly inner = new MemoryKeyStore();

  async #after<T>(answer: () => T): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve));
    return answer();
  }

  readKey(id: string) {
    return this.#after(() => copyOf(this.inner.readKey(id)));
  }
  listKeys() {
    return this.#after(() => this.inner.listKeys().map(copyOf));
  }
  changeKey(...change: Parameters<KeyStore['changeKey']>) {
    return this.#after(() => this.inner.changeKey(...change));
  }
  readAlias(alias: string) {
    return this.#after(() => this.inner.readAlias(alias));
  }
  listAliases() {
    return this.#after(() => this.inner.listAliases());
  }
  changeAlias(...change: Parameters<KeyStore['changeAlias']>) {
    return this.#after(() => this.inner.changeAlias(...change));
  }
  close() {
    return this.#after(() => this.inner.close());
  }
}

function copyOf<Key extends KeyRecord | undefined>(key: Key): Key {
  return structuredClone(key);
}

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

    it('deleteAlias and updateAlias of one name: it does not come back', async () => {
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

    it('rotateKey: both make a version, and each opens', async () => {
      const store = makeStore();
      const provider = new LocalKeyWrapProvider({ store });
      const { keyId } = await provider.createKey();
      const encrypting = () => provider.encrypt({ keyId, plaintext: utf8('x') });
      const first = encrypting();
      await Promise.all([provider.rotateKey({ keyId }), provider.rotateKey({ keyId })]);
      const [key] = await store.listKeys();
      expect(key?.materials.map(({ version }) => version)).to.deep.equal([1, 2, 3]);
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
        expect(await store.listKeys()).to.have.length(1);
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
      expect(await store.listKeys()).to.have.length(1);
      const [key] = await store.listKeys();
      expect(key?.materials[0]?.material).to.deep.equal(keys[0]?.keyMaterial);
      expect(sealed[0]?.keyId).to.equal(sealed[1]?.keyId);
    });

    it('close waits for the calls under way', async () => {
      const provider = new LocalKeyWrapProvider({ store: makeStore(), keys: ['alias/a'] });
      const dataKey = provider.generateDataKey({ keyId: 'alias/a', keySpec: 'AES_256' });
      const closing = provider.close();
      expect((await dataKey).plaintext).to.have.length(32);
      await closing;
      await expectRefusal(provider.listKeys(), 'CLOSED');
    });
  });
}

describe('A key store that fails', () => {
  /** Fails in one method until it is mended. */
  const failing = (method: keyof KeyStore) => {
    const store = new MemoryKeyStore();
    const working = store[method];
    const failure = new Error('disk full');
    Object.assign(store, {
      [method]: () => {
        throw failure;
      },
    });
    const mend = () => Object.assign(store, { [method]: working });
    return { store, failure, mend };
  };

  it('makes the provider unavailable, says why, and the call can be tried again', async () => {
    const { store, failure, mend } = failing('readAlias');
    const provider = new LocalKeyWrapProvider({ store, keys: ['alias/a'] });
    const call = () => provider.encrypt({ keyId: 'alias/a', plaintext: utf8('x') });
    const error = await call().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(KeyWrapError);
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: true, cause: failure });
    mend();
    await call();
    expect(store.listKeys()).to.have.length(1);
  });

  it('while an alias is written: the key that was made for it goes again', async () => {
    const { store, mend } = failing('changeAlias');
    const provider = new LocalKeyWrapProvider({ store });
    await expectRefusal(provider.createKey({ alias: 'alias/a' }), 'UNAVAILABLE');
    expect(store.listKeys()).to.deep.equal([]);
    mend();
    await provider.createKey({ alias: 'alias/a' });
  });

  it('in that a key goes while it is changed: there is no such key', async () => {
    const { provider, store } = open();
    const { keyId } = await provider.createKey();
    const read = store.readKey.bind(store);
    store.readKey = (id) => {
      const key = read(id);
      store.changeKey(id, () => undefined);
      return key;
    };
    await expectRefusal(provider.disableKey({ keyId }), 'KEY_NOT_FOUND');
    expect(store.listKeys()).to.deep.equal([]);
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
    it(`in that an alias stands for no key: the name is free for ${how}`, async () => {
      const opened = open();
      const { provider, store } = opened;
      store.changeAlias('alias/a', () => 'nobody');
      await expectRefusal(provider.describeKey({ keyId: 'alias/a' }), 'KEY_NOT_FOUND');
      expect(await provider.listAliases()).to.deep.equal([]);
      const { keyId } = await use(opened);
      expect((await provider.describeKey({ keyId: 'alias/a' })).keyId).to.equal(keyId);
    });
  }
});
