import { createPrivateKey } from 'node:crypto';
import { expect } from 'chai';
import { fixture, readPrivate } from './support.js';

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
