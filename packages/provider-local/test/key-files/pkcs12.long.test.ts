import { createPrivateKey } from 'node:crypto';
import { expect } from 'chai';
import { writeKeyMaterial } from '#dist/key-files/index.js';
import { fixture, PLATFORMS, readPrivate, rejection, useBrowserPlatform } from './support.js';

// Keys are derived by hundreds of thousands of iterations here.

const PASSPHRASE = 'grüße €';

describe('Writing PKCS#12', () => {
  for (const file of ['rsa-2048.pem', 'p256-sec1.pem']) {
    it(`the key of ${file}, which reads back`, async () => {
      const { privateKey } = await readPrivate(fixture(file));
      const p12 = await writeKeyMaterial(privateKey, { format: 'pkcs12', passphrase: PASSPHRASE });
      expect((await readPrivate(p12, PASSPHRASE)).privateKey).to.deep.equal(privateKey);
    });
  }
});

for (const platform of PLATFORMS) {
  describe(`Reading PKCS#12 of an empty password, by ${platform}`, () => {
    if (platform === 'node-forge') useBrowserPlatform();

    it('bc-PKCS12-empty.p12 without a passphrase, and with an empty one', async () => {
      const file = fixture('bc-PKCS12-empty.p12');
      expect(await readPrivate(file, '')).to.deep.equal(await readPrivate(file));
      await rejection(file, 'passphrase', 'x');
    });
  });
}

// GnuTLS iterates 600,000 times for each password that is tried.
describe('Reading PKCS#12 whose password is absent, and not empty', () => {
  it('gnutls-null.p12: a MAC over no bytes', async () => {
    expect((await readPrivate(fixture('gnutls-null.p12'))).keySpec).to.equal('RSA_2048');
  });

  it('gnutls-null-3des.p12: a MAC and a key over no bytes, with an empty passphrase', async () => {
    const read = await readPrivate(fixture('gnutls-null-3des.p12'), '');
    const expected = createPrivateKey(fixture('p256-sec1.pem'));
    expect(read.privateKey).to.deep.equal(
      new Uint8Array(expected.export({ type: 'pkcs8', format: 'der' })),
    );
  });
});
