import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import type { ChangeNames, KeyMaterial, Transaction } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import sinon from 'sinon';
import { nodeEngine } from '#dist/cipher/engines/node.js';
import { Clock, utf8 } from './support.js';

/** Remembers all key material that it was ever given. */
class RememberingStore extends MemoryKeyStore {
  readonly materials = new Set<KeyMaterial>();

  override change<Result>(names: ChangeNames, body: (transaction: Transaction) => Result) {
    return super.change(names, (transaction) => {
      const { putKey } = transaction;
      transaction.putKey = (record) => {
        for (const { material } of record.versions) if (material) this.materials.add(material);
        putKey.call(transaction, record);
      };
      return body(transaction);
    });
  }

  get live(): number {
    return [...this.materials].filter(({ isDestroyed }) => !isDestroyed).length;
  }
}

/** Counts the symmetric keys that are loaded into the node engine while a test runs. */
function countLoaded(): { live: number } {
  const counted = { live: 0 };
  const load = nodeEngine.loadAesKey;
  sinon.stub(nodeEngine, 'loadAesKey').callsFake((material) => {
    const key = load(material);
    const destroy = key.destroy.bind(key);
    key.destroy = () => {
      counted.live--;
      destroy();
    };
    counted.live++;
    return key;
  });
  return counted;
}

describe('Key material in memory', () => {
  afterEach(() => sinon.restore());

  it('is released with its key, however many are created, used, rotated and deleted', async () => {
    const loaded = countLoaded();
    const [store, clock] = [new RememberingStore(), new Clock()];
    const provider = new LocalKeyWrapProvider({ store, now: clock.now, engine: 'node' });
    const kept = await provider.createKey();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 10; i++) {
        const { keyId } = await provider.createKey();
        const { ciphertext } = await provider.encrypt({ keyId, plaintext: utf8('x') });
        await provider.rotateKey({ keyId });
        await provider.encrypt({ keyId, plaintext: utf8('x') });
        await provider.decrypt({ ciphertext });
        await provider.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
      }
      expect([store.live, loaded.live]).to.deep.equal([21, 20]);
      clock.passDays(7);
      expect(await provider.listKeys()).to.have.length(1);
      expect([store.live, loaded.live]).to.deep.equal([1, 0]);
    }
    expect(store.materials.size).to.equal(401);
    await provider.encrypt({ keyId: kept.keyId, plaintext: utf8('x') });
    await provider.close();
    expect([store.live, loaded.live]).to.deep.equal([1, 0]);
    await store.close();
    expect(store.live).to.equal(0);
  });

  it('that no key has is released: keys that could not be created, rejected material', async () => {
    const store = new RememberingStore();
    const provider = new LocalKeyWrapProvider({ store });
    await provider.createKey({ alias: 'alias/a' });
    const creating = Array.from({ length: 20 }, () => provider.createKey({ alias: 'alias/b' }));
    const settled = await Promise.allSettled(creating);
    expect(settled.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    expect(store.live).to.equal(2);
  });

  it('is released by a closed provider, and stays in a store that was passed in', async () => {
    const loaded = countLoaded();
    const store = new RememberingStore();
    for (let i = 0; i < 10; i++) {
      const provider = new LocalKeyWrapProvider({ store, keys: ['alias/a'], engine: 'node' });
      await provider.encrypt({ keyId: 'alias/a', plaintext: utf8('x') });
      expect(loaded.live).to.equal(1);
      await provider.close();
      expect(loaded.live).to.equal(0);
    }
    expect([store.live, store.materials.size]).to.deep.equal([1, 1]);
  });
});
