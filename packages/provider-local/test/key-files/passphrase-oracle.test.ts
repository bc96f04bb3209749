import { expect } from 'chai';
import { readKeyMaterial } from '#dist/key-files/index.js';
import { fixture, PASSPHRASE, rejection } from './support.js';

const WRONG = 'passphrase is wrong, or the key is damaged or not supported';

// An attacker who can try files and passphrases at a service learns from its errors. What the two have in common
// must be the same error.
describe('A wrong passphrase and a damaged encrypted key', () => {
  for (const file of [
    'rsa-2048-pbes1.pem',
    'rsa-2048-legacy.pem',
    'rsa-2048.p12',
    'p256-nomac.p12',
    'p256-encrypted-safe.p12',
    'p256-pbe-sha1-rc4-128.pem',
    'p256-pbes2-aes256-gcm.pem',
  ]) {
    it(`look the same in ${file}`, async () => {
      const wrong = await rejection(fixture(file), 'passphrase', 'not it');
      expect(wrong).to.equal(WRONG);
      for (const at of [0.6, 0.7, 0.8, 0.85]) {
        const damaged = damage(fixture(file), at);
        expect(await rejection(damaged, 'passphrase', PASSPHRASE), `at ${at}`).to.equal(wrong);
        expect(await rejection(damaged, 'passphrase', 'not it'), `at ${at}`).to.equal(wrong);
      }
    });
  }

  it('reveal nothing about the plaintext: the message is one of a few', async () => {
    const messages = new Set<string>();
    const data = fixture('rsa-2048-pbes1.pem');
    for (let i = 1; i < 40; i++) {
      const error = await readKeyMaterial(damage(data, 0.35 + i / 70), {
        passphrase: PASSPHRASE,
      }).catch((reason) => reason);
      messages.add(error.message ?? 'read');
    }
    expect([...messages]).to.deep.equal([WRONG]);
  });
});

/** Changes a byte, in PEM a character of its base64. */
function damage(data: Buffer, at: number): Buffer {
  const damaged = Buffer.from(data);
  const index = Math.floor(data.length * at);
  const isPem = data.toString('latin1').startsWith('-----');
  const byte = data[index] as number;
  if (!isPem) damaged[index] = byte ^ 1;
  else if (byte === 0x0a) damaged[index - 1] = data[index - 1] === 0x41 ? 0x42 : 0x41;
  else damaged[index] = byte === 0x41 ? 0x42 : 0x41;
  return damaged;
}
