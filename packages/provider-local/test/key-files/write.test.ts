import { createPrivateKey, createPublicKey } from 'node:crypto';
import { InvalidInputError } from '@keywrap/core';
import { expect } from 'chai';
import { writeKeyMaterial, writePublicKey } from '#dist/key-files/index.js';
import { fixture, rejection } from './support.js';

const passphrase = 'grüße €';

for (const file of ['rsa-2048.pem', 'p256-sec1.pem']) {
  describe(`Writing the key of ${file}`, () => {
    const native = createPrivateKey(fixture(file));
    const privateKey = new Uint8Array(native.export({ type: 'pkcs8', format: 'der' }));

    it('PKCS#8, PEM and DER, byte for byte as OpenSSL does', async () => {
      expect(await writeKeyMaterial(privateKey, { format: 'pkcs8-pem' })).to.equal(
        native.export({ type: 'pkcs8', format: 'pem' }),
      );
      const der = await writeKeyMaterial(privateKey, { format: 'pkcs8-der' });
      expect(der).to.deep.equal(privateKey);
      expect(der).not.to.equal(privateKey);
    });

    it('encrypted PKCS#8, which node:crypto reads', async () => {
      const pem = await writeKeyMaterial(privateKey, { format: 'pkcs8-encrypted-pem', passphrase });
      expect(pem).to.match(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
      const read = createPrivateKey({ key: pem, passphrase });
      expect(read.equals(native)).to.equal(true);
      await rejection(pem, 'passphrase', 'wrong');
    });

    it('the public half, byte for byte as OpenSSL does', () => {
      const publicKey = createPublicKey(native);
      const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
      expect(writePublicKey(spki, 'spki-pem')).to.equal(
        publicKey.export({ type: 'spki', format: 'pem' }),
      );
      expect(writePublicKey(spki, 'spki-der')).to.deep.equal(spki);
      expect(writePublicKey(spki, 'spki-der')).not.to.equal(spki);
    });
  });
}

describe('Writing PKCS#1', () => {
  it('byte for byte as OpenSSL does', async () => {
    const native = createPrivateKey(fixture('rsa-2048.pem'));
    const privateKey = native.export({ type: 'pkcs8', format: 'der' });
    expect(await writeKeyMaterial(privateKey, { format: 'pkcs1-pem' })).to.equal(
      native.export({ type: 'pkcs1', format: 'pem' }),
    );
  });

  it('rejects an EC key', async () => {
    const native = createPrivateKey(fixture('p256-sec1.pem'));
    const privateKey = native.export({ type: 'pkcs8', format: 'der' });
    const error = await writeKeyMaterial(privateKey, { format: 'pkcs1-pem' }).catch((e) => e);
    expect(error).to.be.instanceOf(InvalidInputError).with.property('field', 'format');
  });
});

describe('Passphrases when writing', () => {
  const native = createPrivateKey(fixture('p256-sec1.pem'));
  const privateKey = native.export({ type: 'pkcs8', format: 'der' });

  it('an encrypted format needs one', async () => {
    for (const format of ['pkcs8-encrypted-pem', 'pkcs12'] as const) {
      for (const options of [{ format }, { format, passphrase: '' }]) {
        const error = await writeKeyMaterial(privateKey, options).catch((e) => e);
        expect(error).to.be.instanceOf(InvalidInputError).with.property('field', 'passphrase');
      }
    }
  });

  it('an unencrypted format rejects one, so that no one believes the file is encrypted', async () => {
    // The types forbid this call already; JavaScript does not.
    const options = { format: 'pkcs8-pem', passphrase: 'x' } as unknown as { format: 'pkcs8-pem' };
    const error = await writeKeyMaterial(privateKey, options).catch((e) => e);
    expect(error).to.be.instanceOf(InvalidInputError).with.property('field', 'passphrase');
  });

  it('two writes of one key have nothing in common', async () => {
    const write = () =>
      writeKeyMaterial(privateKey, { format: 'pkcs8-encrypted-pem', passphrase: 'x' });
    const [first, second] = [await write(), await write()].map((pem) => pem.slice(300));
    expect(first).not.to.equal(second);
  });
});
