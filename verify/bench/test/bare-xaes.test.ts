import { randomBytes } from 'node:crypto';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { bareOpen, bareSeal, prepare } from '#dist/bare-xaes.js';

const keyId = '1234abcd-12ab-34cd-56ef-1234567890ab';
const encryptionContext = { order: '7' };

describe('the bare function that the local provider is measured against', () => {
  const keyMaterial = randomBytes(32);
  const provider = new LocalKeyWrapProvider({ keys: [{ keyId, keyMaterial }] });
  const plaintext = randomBytes(32);

  it('makes blobs that the provider opens', async () => {
    const ciphertext = bareSeal(keyMaterial, keyId, plaintext, 'order', '7');
    const opened = await provider.decrypt({ keyId, ciphertext, encryptionContext });
    expect(Buffer.from(opened.plaintext)).to.deep.equal(plaintext);
  });

  it('opens the blobs of the provider, and no others', async () => {
    const { ciphertext } = await provider.encrypt({ keyId, plaintext, encryptionContext });
    expect(bareOpen(keyMaterial, ciphertext, 'order', '7')).to.deep.equal(plaintext);
    expect(bareOpen(prepare(keyMaterial), ciphertext, 'order', '7')).to.deep.equal(plaintext);
    expect(() => bareOpen(keyMaterial, ciphertext, 'order', '8')).to.throw();
  });
});
