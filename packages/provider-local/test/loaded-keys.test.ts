import { expect } from 'chai';
import { type CryptoEngine, selectEngine } from '#dist/cipher/engines/index.js';
import { LoadedKeys } from '#dist/cipher/loaded-keys.js';
import { readKeyMaterial } from '#dist/key-files/index.js';
import { newVersion } from '#dist/keys/create.js';
import { KeyMaterial } from '#dist/keys/material.js';
import { version } from './keys/support.js';
import { fixture, randomBytes } from './support.js';

const NONCE = new Uint8Array(24);
const NOTHING = new Uint8Array();

/** The node engine, and how often it was asked to load a key. */
async function countingEngine(limit?: number) {
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
  return { loaded: new LoadedKeys(counting, limit), counted };
}

const rsaVersion = (bytes: Uint8Array) =>
  newVersion('rsa', { material: new KeyMaterial(bytes), publicKey: undefined });

describe('Loaded keys', () => {
  it('are loaded once, whatever else of the record changes', async () => {
    const { loaded, counted } = await countingEngine();
    const first = await version('a');
    const { aes, blobHeader } = loaded.symmetric('a', first);
    const again = loaded.symmetric('a', { ...first, description: 'changed' });
    expect(again).to.deep.equal({ aes, blobHeader });
    expect(counted.loads).to.equal(1);
  });

  it('are apart by material', async () => {
    const { loaded, counted } = await countingEngine();
    const keys = [await version('a', 7), await version('a', 7), await version('b', 7)];
    expect(new Set(keys.map((key) => loaded.symmetric('a', key).aes)).size).to.equal(3);
    expect(counted.loads).to.equal(3);
    expect(loaded.size).to.equal(3);
  });

  it('are destroyed with their material, and no other', async () => {
    const { loaded } = await countingEngine();
    const [gone, kept] = [await version('a'), await version('b')];
    const [dead, live] = [gone, kept].map((each) => loaded.symmetric('a', each).aes);
    gone.material?.destroy();
    expect(() => dead?.open(NONCE, NOTHING, NOTHING)).to.throw('destroyed');
    expect(live?.open(NONCE, NOTHING, NOTHING)).to.equal(undefined);
    expect(loaded.size).to.equal(1);
    expect(() => loaded.symmetric('a', gone)).to.throw('deleted');
    expect(loaded.size).to.equal(1);
  });

  it('are released in turn beyond the limit, and loaded again', async () => {
    const { loaded, counted } = await countingEngine(2);
    const versions = await Promise.all(['a', 'b', 'c'].map((id) => version(id)));
    const [first] = versions.map((each) => loaded.symmetric('a', each).aes);
    expect(loaded.size).to.equal(2);
    expect(() => first?.open(NONCE, NOTHING, NOTHING)).to.throw('destroyed');
    const again = loaded.symmetric('a', versions[0] as (typeof versions)[number]).aes;
    expect(again.open(NONCE, NOTHING, NOTHING)).to.equal(undefined);
    expect(counted.loads).to.equal(4);
  });

  it('are all destroyed in the end, also where some could not be loaded', async () => {
    const { loaded } = await countingEngine();
    const symmetric = await version('a');
    const { aes } = loaded.symmetric('a', symmetric);
    const read = await readKeyMaterial(fixture('rsa-2048.pem'));
    const rsa = await loaded.rsaPrivate(
      await rsaVersion('privateKey' in read ? read.privateKey : NOTHING),
    );
    const broken = loaded.rsaPrivate(await rsaVersion(randomBytes(32)));
    loaded.destroy();
    expect(loaded.size).to.equal(0);
    expect(() => aes.seal(NONCE, NOTHING, NOTHING)).to.throw('destroyed');
    const [loading] = await Promise.allSettled([broken]);
    expect(loading.status).to.equal('rejected');
    const [decrypting] = await Promise.allSettled([rsa.decrypt(randomBytes(256), 'SHA-256')]);
    expect(decrypting).to.have.property('reason').that.has.property('code', 'CLOSED');
    symmetric.material?.destroy(); // the store's, and nothing is released twice
  });
});
