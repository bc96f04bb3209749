import { expect } from 'chai';
import { type CryptoEngine, selectEngine } from '#dist/engines/index.js';
import { readKeyMaterial } from '#dist/key-files/index.js';
import type { MaterialVersion } from '#dist/keys/key-record.js';
import { LoadedKeys } from '#dist/keys/loaded-keys.js';
import { LocalKeys } from '#dist/keys/local-keys.js';
import { MemoryKeyStore } from '#dist/keys/memory-key-store.js';
import { pendingDeletion } from '#dist/keys/transitions.js';
import { readOptions } from '#dist/options.js';
import { Clock, fixture, randomBytes, rejection } from './support.js';

const NONCE = new Uint8Array(24);
const NOTHING = new Uint8Array();

/** The node engine, and how often it was asked to load a key. */
async function countingEngine() {
  const engine = await selectEngine('node');
  const counted = { loads: 0 };
  const counting: CryptoEngine = {
    ...engine,
    loadAesKey: (material) => {
      counted.loads++;
      return engine.loadAesKey(material);
    },
    loadRsaPrivateKey: (pkcs8) => {
      counted.loads++;
      return engine.loadRsaPrivateKey(pkcs8);
    },
  };
  return { loaded: new LoadedKeys(counting), counted };
}

const copyOf = ({ version, material }: MaterialVersion): MaterialVersion => ({
  version,
  material: material.slice(),
});

describe('Loaded keys', () => {
  it('are loaded once, from the record and from any copy of it', async () => {
    const { loaded, counted } = await countingEngine();
    const material = { version: 1, material: randomBytes(32) };
    const key = loaded.aes('a', material);
    expect(loaded.aes('a', material)).to.equal(key);
    for (let i = 0; i < 100; i++) expect(loaded.aes('a', copyOf(material))).to.equal(key);
    expect(counted.loads).to.equal(1);
  });

  it('are apart by key and by version', async () => {
    const { loaded, counted } = await countingEngine();
    const first = { version: 1, material: randomBytes(32) };
    const second = { version: 2, material: randomBytes(32) };
    const keys = [loaded.aes('a', first), loaded.aes('a', second), loaded.aes('b', first)];
    expect(new Set(keys).size).to.equal(3);
    expect(counted.loads).to.equal(3);
  });

  it('are loaded again, and the old one destroyed, when the material is another', async () => {
    const { loaded } = await countingEngine();
    const old = loaded.aes('a', { version: 1, material: randomBytes(32) });
    const next = loaded.aes('a', { version: 1, material: randomBytes(32) });
    expect(next).not.to.equal(old);
    expect(() => old.seal(NONCE, NOTHING, NOTHING)).to.throw('destroyed');
    expect(next.seal(NONCE, NOTHING, NOTHING)).to.have.length(16);
  });

  it('are destroyed with their key, and no other', async () => {
    const { loaded } = await countingEngine();
    const material = { version: 1, material: randomBytes(32) };
    const [gone, kept] = [loaded.aes('a', material), loaded.aes('b', material)];
    loaded.forget('a');
    loaded.forget('never loaded');
    expect(() => gone.open(NONCE, NOTHING, NOTHING)).to.throw('destroyed');
    expect(kept.open(NONCE, NOTHING, NOTHING)).to.equal(undefined);
  });

  it('are all destroyed in the end, also where some could not be loaded', async () => {
    const { loaded } = await countingEngine();
    const aes = loaded.aes('a', { version: 1, material: randomBytes(32) });
    const read = await readKeyMaterial(fixture('rsa-2048.pem'));
    const material = 'privateKey' in read ? read.privateKey : NOTHING;
    const rsa = await loaded.rsaPrivate('b', { version: 1, material });
    const broken = loaded.rsaPrivate('c', { version: 1, material: randomBytes(32) });
    loaded.destroy();
    expect(() => aes.seal(NONCE, NOTHING, NOTHING)).to.throw('destroyed');
    const [loading] = await Promise.allSettled([broken]);
    expect(loading.status).to.equal('rejected');
    const [decrypting] = await Promise.allSettled([rsa.decrypt(randomBytes(256), 'SHA-256')]);
    expect(decrypting).to.have.property('reason').that.has.property('code', 'CLOSED');
  });

  it('are forgotten when the day of the deletion has come, whoever notices', async () => {
    for (const notice of ['list', 'find'] as const) {
      const { loaded } = await countingEngine();
      const clock = new Clock();
      const settings = readOptions({ now: clock.now, keys: ['a'] });
      const keys = new LocalKeys(
        await selectEngine('node'),
        new MemoryKeyStore(),
        settings,
        loaded,
      );
      await keys.prepare();
      const [material] = (await keys.ring.find('a')).materials;
      const key = loaded.aes('a', material as MaterialVersion);
      await keys.change('a', (current) => pendingDeletion(current, clock.now(), 7));
      clock.passDays(7);
      if (notice === 'list') await keys.list();
      else await rejection((async () => keys.ring.find('a'))());
      expect(() => key.seal(NONCE, NOTHING, NOTHING)).to.throw('destroyed');
    }
  });
});
