import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeySpec } from '@keywrap/core';
import type { ExportFormat } from '@keywrap/provider-local';
import { expect } from 'chai';
import { ALL, expectRejection, fixture, open, PASSPHRASE, randomBytes, utf8 } from '../support.js';

/** The DER of PKCS#8 of any private key that node:crypto reads. */
const pkcs8 = (key: string | Buffer): Buffer =>
  createPrivateKey({ key, passphrase: PASSPHRASE }).export({ format: 'der', type: 'pkcs8' });

/** A provider with a key of this kind that waits for its material. */
const pendingKey = async (keySpec?: KeySpec) => {
  const opened = open();
  const { keyId } = await opened.provider.createKey({ keySpec, origin: 'EXTERNAL' });
  return { ...opened, keyId };
};

const P256 = fixture('p256-sec1.pem');
const RSA = fixture('rsa-2048.pem');

describe('Exporting key material and importing it elsewhere', () => {
  const FORMATS: readonly (readonly [ExportFormat, KeySpec, Buffer, string?])[] = [
    ['pkcs8-pem', 'RSA_2048', RSA],
    ['pkcs8-der', 'RSA_2048', RSA],
    ['pkcs1-pem', 'RSA_2048', RSA],
    ['pkcs8-encrypted-pem', 'RSA_2048', RSA, 'schlüssel €'],
    ['pkcs12', 'RSA_2048', RSA, 'schlüssel €'],
    ['pkcs8-pem', 'ECC_NIST_P256', P256],
    ['pkcs8-der', 'ECC_NIST_P256', P256],
    ['pkcs8-encrypted-pem', 'ECC_NIST_P256', P256, 'schlüssel €'],
  ];
  for (const [format, keySpec, keyMaterial, passphrase] of FORMATS) {
    it(`${keySpec} as ${format}`, async () => {
      const here = await pendingKey(keySpec);
      const there = await pendingKey(keySpec);
      const imported = await here.provider.importKeyMaterial({ keyId: here.keyId, keyMaterial });
      expect(imported).to.include({ keySpec, keyState: 'Enabled', origin: 'EXTERNAL' });
      const written = await here.provider.exportKeyMaterial({
        keyId: here.keyId,
        format,
        passphrase,
      });
      expect(typeof written === 'string').to.equal(format.endsWith('-pem'));
      await there.provider.importKeyMaterial({
        keyId: there.keyId,
        keyMaterial: written,
        passphrase,
      });
      const back = await there.provider.exportKeyMaterial({
        keyId: there.keyId,
        format: 'pkcs8-der',
      });
      expect(Buffer.from(back as Uint8Array)).to.deep.equal(pkcs8(keyMaterial));
    });
  }

  for (const keySpec of ['ECC_NIST_P384', 'ECC_NIST_P521', 'ECC_SECG_P256K1'] as const) {
    it(`a key that was made here: ${keySpec}, with its public key`, async () => {
      const { provider } = open();
      const made = await provider.createKey({ keySpec });
      const written = await provider.exportKeyMaterial({ keyId: made.keyId, format: 'pkcs8-pem' });
      const there = await pendingKey(keySpec);
      await there.provider.importKeyMaterial({ keyId: there.keyId, keyMaterial: written });
      const { publicKey } = await there.provider.getPublicKey({ keyId: there.keyId });
      const expected = await provider.getPublicKey({ keyId: made.keyId });
      expect(publicKey).to.deep.equal(expected.publicKey);
      const byNode = createPublicKey(written as string).export({ format: 'der', type: 'spki' });
      expect(Buffer.from(publicKey)).to.deep.equal(byNode);
    });
  }

  for (const [keySpec, least, most] of [
    ['SYMMETRIC_DEFAULT', 32, 32],
    ['HMAC_224', 28, 128],
    ['HMAC_256', 32, 128],
    ['HMAC_384', 48, 128],
    ['HMAC_512', 64, 128],
  ] as const) {
    it(`${keySpec} as ${least} to ${most} raw bytes, or base64 of them`, async () => {
      const { provider, keyId } = await pendingKey(keySpec);
      for (const wrong of [least - 1, most + 1]) {
        const bytes = randomBytes(wrong);
        for (const keyMaterial of [bytes, Buffer.from(bytes).toString('base64')]) {
          const importing = provider.importKeyMaterial({ keyId, keyMaterial });
          await expectRejection(importing, 'INVALID_INPUT', 'keyMaterial');
        }
      }
      for (const length of new Set([least, most])) {
        const key = await pendingKey(keySpec);
        const keyMaterial = randomBytes(length);
        await key.provider.importKeyMaterial({ keyId: key.keyId, keyMaterial });
        const text = Buffer.from(keyMaterial).toString('base64').replace(/.{20}/, '$&\n');
        await key.provider.importKeyMaterial({ keyId: key.keyId, keyMaterial: text });
        const written = await key.provider.exportKeyMaterial({ keyId: key.keyId, format: 'raw' });
        expect(written).to.deep.equal(keyMaterial);
        expect(written).not.to.equal(keyMaterial);
      }
    });
  }

  it('a symmetric key, which then decrypts what it encrypted elsewhere under the same id', async () => {
    const keyMaterial = randomBytes(32);
    const there = open({ keys: [{ keyId: 'orders', keyMaterial }] }).provider;
    const here = open({ keys: [{ keyId: 'orders', keyMaterial }] }).provider;
    const { ciphertext } = await there.encrypt({ keyId: 'orders', plaintext: utf8('x') });
    expect((await here.decrypt({ ciphertext })).plaintext).to.deep.equal(utf8('x'));
  });

  it('the newest material of a key that was rotated', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey();
    const first = await provider.exportKeyMaterial({ keyId, format: 'raw' });
    await provider.rotateKey({ keyId });
    const second = await provider.exportKeyMaterial({ keyId, format: 'raw' });
    expect(second).not.to.deep.equal(first);
  });

  it('returns a copy: wiping it does not wipe the key', async () => {
    const { provider, keyId } = await pendingKey();
    const keyMaterial = randomBytes(32);
    await provider.importKeyMaterial({ keyId, keyMaterial });
    const written = (await provider.exportKeyMaterial({ keyId, format: 'raw' })) as Uint8Array;
    expect(written.byteOffset).to.equal(0);
    expect(written.buffer.byteLength).to.equal(32);
    written.fill(0);
    expect(await provider.exportKeyMaterial({ keyId, format: 'raw' })).to.deep.equal(keyMaterial);
  });
});

describe('importKeyMaterial', () => {
  for (const name of [
    'rsa-2048.pem',
    'rsa-2048-legacy.pem',
    'rsa-2048-pbes1.pem',
    'rsa-2048.p12',
    'rsa-2048-plain.p12',
  ]) {
    it(`reads ${name}, and the key decrypts`, async () => {
      const { provider, keyId } = await pendingKey('RSA_2048');
      await provider.importKeyMaterial({
        keyId,
        keyMaterial: fixture(name),
        passphrase: PASSPHRASE,
      });
      const algorithm = 'RSAES_OAEP_SHA_256';
      const plaintext = utf8('sealed outside');
      const { ciphertext } = await provider.encrypt({ keyId, algorithm, plaintext });
      const opened = await provider.decryptAsymmetric({ keyId, algorithm, ciphertext });
      expect(opened.plaintext).to.deep.equal(plaintext);
    });
  }

  it('accepts the same material again, and a disabled key stays disabled', async () => {
    const { provider, keyId } = await pendingKey();
    const keyMaterial = randomBytes(32);
    await provider.importKeyMaterial({ keyId, keyMaterial });
    const { ciphertext } = await provider.encrypt({ keyId, plaintext: utf8('x') });
    await provider.disableKey({ keyId });
    const again = await provider.importKeyMaterial({ keyId, keyMaterial });
    expect(again.keyState).to.equal('Disabled');
    await provider.enableKey({ keyId });
    expect((await provider.decrypt({ ciphertext })).plaintext).to.deep.equal(utf8('x'));
  });

  it('accepts the same key in another format', async () => {
    const { provider, keyId } = await pendingKey('RSA_2048');
    await provider.importKeyMaterial({ keyId, keyMaterial: RSA });
    await provider.importKeyMaterial({ keyId, keyMaterial: pkcs8(RSA) });
  });

  it('rejects different material, and keeps the existing', async () => {
    const { provider, keyId } = await pendingKey();
    const keyMaterial = randomBytes(32);
    await provider.importKeyMaterial({ keyId, keyMaterial });
    const importing = provider.importKeyMaterial({ keyId, keyMaterial: randomBytes(32) });
    await expectRejection(importing, 'INVALID_INPUT', 'keyMaterial');
    expect(await provider.exportKeyMaterial({ keyId, format: 'raw' })).to.deep.equal(keyMaterial);
  });

  const REJECTED: readonly (readonly [string, string, unknown, string?])[] = [
    ['a key of another kind', 'keyMaterial', P256],
    ['an RSA key of another size', 'keyMaterial', fixture('rsa-3072.pem')],
    ['a public key', 'keyMaterial', fixture('rsa-2048-certificate.pem')],
    ['text that is not a key', 'keyMaterial', 'rsa-2048.pem'],
    ['bytes that are not a key', 'keyMaterial', new Uint8Array(256)],
    ['nothing', 'keyMaterial', ''],
    ['more than a mebibyte', 'keyMaterial', 'x'.repeat(1024 * 1024 + 1)],
    ['an object', 'keyMaterial', {}],
    ['an encrypted key without its passphrase', 'passphrase', fixture('rsa-2048-pbes1.pem')],
    ['a wrong passphrase', 'passphrase', fixture('rsa-2048-pbes1.pem'), 'wrong-horse'],
    ['a passphrase of another type', 'passphrase', RSA, 7 as unknown as string],
    ['a passphrase that has no encoding', 'passphrase', RSA, 'horse \ud800'],
  ];
  for (const [what, field, keyMaterial, passphrase] of REJECTED) {
    it(`rejects ${what}, and the key stays pending import`, async () => {
      const { provider, keyId, store } = await pendingKey('RSA_2048');
      const input = { keyId, keyMaterial: keyMaterial as string, passphrase };
      await expectRejection(provider.importKeyMaterial(input), 'INVALID_INPUT', field);
      expect((await provider.describeKey({ keyId })).keyState).to.equal('PendingImport');
      expect((await store.listKeys(ALL))[0]?.versions).to.deep.equal([]);
    });
  }

  it('rejects text and passphrases for a symmetric key, which has neither', async () => {
    const { provider, keyId } = await pendingKey();
    const text = provider.importKeyMaterial({ keyId, keyMaterial: 'a'.repeat(32) });
    await expectRejection(text, 'INVALID_INPUT', 'keyMaterial');
    const keyMaterial = randomBytes(32);
    const locked = provider.importKeyMaterial({ keyId, keyMaterial, passphrase: 'x' });
    await expectRejection(locked, 'INVALID_INPUT', 'passphrase');
    expect((await provider.describeKey({ keyId })).keyState).to.equal('PendingImport');
  });

  it("does not even parse material for a key that can't import any", async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey({ keySpec: 'ECC_NIST_P256' });
    const importing = provider.importKeyMaterial({ keyId, keyMaterial: 'not a key' });
    await expectRejection(importing, 'UNSUPPORTED');
  });

  it('copies the material before it returns its promise', async () => {
    const { provider, keyId } = await pendingKey();
    const keyMaterial = randomBytes(32);
    const expected = keyMaterial.slice();
    const importing = provider.importKeyMaterial({ keyId, keyMaterial });
    keyMaterial.fill(0);
    await importing;
    expect(await provider.exportKeyMaterial({ keyId, format: 'raw' })).to.deep.equal(expected);
  });
});

describe('exportKeyMaterial', () => {
  it('rejects a format that is not for this kind of key', async () => {
    const { provider } = open();
    const { keyId: symmetric } = await provider.createKey();
    const { keyId: ecc } = await provider.createKey({ keySpec: 'ECC_NIST_P256' });
    for (const [keyId, format] of [
      [symmetric, 'pkcs8-der'],
      [symmetric, 'pkcs12'],
      [ecc, 'raw'],
      [ecc, 'pkcs1-pem'],
      [ecc, 'jwk'],
      [ecc, undefined],
    ] as const) {
      const input = { keyId, format: format as ExportFormat, passphrase: undefined };
      await expectRejection(provider.exportKeyMaterial(input), 'INVALID_INPUT', 'format');
    }
  });

  it('requires a passphrase for an encrypted format, and rejects one for any other', async () => {
    const { provider } = open();
    const { keyId: symmetric } = await provider.createKey();
    const { keyId: ecc } = await provider.createKey({ keySpec: 'ECC_NIST_P256' });
    for (const [keyId, format, passphrase] of [
      [symmetric, 'raw', 'x'],
      [ecc, 'pkcs8-pem', 'x'],
      [ecc, 'pkcs8-encrypted-pem', undefined],
      [ecc, 'pkcs8-encrypted-pem', ''],
      [ecc, 'pkcs12', undefined],
      [ecc, 'pkcs8-encrypted-pem', '\udc00'],
    ] as const) {
      const exporting = provider.exportKeyMaterial({ keyId, format, passphrase });
      await expectRejection(exporting, 'INVALID_INPUT', 'passphrase');
    }
  });

  it('rejects a key that does not exist', async () => {
    const { provider } = open();
    const exporting = provider.exportKeyMaterial({ keyId: 'nobody', format: 'raw' });
    await expectRejection(exporting, 'KEY_NOT_FOUND');
  });
});
