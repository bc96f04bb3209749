import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { open, parseMessageHeader, seal, sealForPublicKey } from '@keywrap/envelope';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { expectRejection, textOf, utf8 } from './support.js';

const encryptionContext = { report: '2026-11' };

describe('A message sealed outside, with a public key', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' });
  const keys = new LocalKeyWrapProvider({
    keys: [
      'alias/a',
      {
        keyId: 'alias/inbox',
        keySpec: 'RSA_2048',
        keyMaterial: pair.privateKey.export({ format: 'der', type: 'pkcs8' }),
      },
    ],
  });
  after(() => keys.close());

  for (const algorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', undefined] as const) {
    for (const signed of [false, true]) {
      it(`is opened by the key that its name is mapped to: ${algorithm}${signed ? ', signed' : ''}`, async () => {
        const name = { namespace: 'partners', name: 'inbox-2026', algorithm };
        const message = await sealForPublicKey(
          { publicKey, ...name },
          { encryptionContext, signed },
          utf8('hello'),
        );
        using opened = await open(keys, message, {
          trustedKeys: ['alias/a', { keyId: 'alias/inbox', ...name }],
          encryptionContext,
        });
        expect(textOf(opened.plaintext)).to.equal('hello');
        expect(opened.algorithm).to.equal(algorithm ?? 'RSAES_OAEP_SHA_256');
      });
    }
  }

  it('names namespace and name, as the raw RSA keyring does', async () => {
    const message = await sealForPublicKey(
      { publicKey, namespace: 'partners', name: 'inbox-2026' },
      { encryptionContext },
      utf8('hello'),
    );
    expect(parseMessageHeader(message).keys).to.deep.equal([
      { providerId: 'partners', key: 'inbox-2026' },
    ]);
  });

  it('is not opened under another name, nor with another padding', async () => {
    const name = { namespace: 'partners', name: 'inbox-2026' };
    const message = await sealForPublicKey({ publicKey, ...name }, {}, utf8('hello'));
    const openWith = (key: object) =>
      open(keys, message, {
        trustedKeys: [{ keyId: 'alias/inbox', ...name, ...key }],
        encryptionContext: {},
      });
    await expectRejection(openWith({ name: 'inbox-2025' }), 'UNTRUSTED_KEY');
    await expectRejection(openWith({ namespace: 'others' }), 'UNTRUSTED_KEY');
    await expectRejection(openWith({ algorithm: 'RSAES_OAEP_SHA_1' }), 'INVALID_CIPHERTEXT');
  });

  it('is opened by a symmetric key too, if it is sealed under both', async () => {
    const name = { namespace: 'auditors', name: 'key-1' };
    const message = await seal(
      keys,
      { keyId: 'alias/a', otherKeys: [{ publicKey, ...name }], encryptionContext },
      utf8('hello'),
    );
    for (const key of ['alias/a', { keyId: 'alias/inbox', ...name }]) {
      using opened = await open(keys, message, { trustedKeys: [key], encryptionContext });
      expect(textOf(opened.plaintext)).to.equal('hello');
    }
  });

  it('is rejected like any damage when its data key has another length', async () => {
    const name = { namespace: 'partners', name: 'n' };
    const message = await sealForPublicKey({ publicKey, ...name }, {}, utf8('hello'));
    // The wrapped data key of an RSA key of 2048 bits has 256 bytes; they follow their length.
    const start = Buffer.from(message).indexOf(Buffer.from([1, 0])) + 2;
    const short = publicEncrypt(
      { key: pair.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
      Buffer.alloc(16),
    );
    message.set(short, start);
    await expectRejection(
      open(keys, message, {
        trustedKeys: [{ keyId: 'alias/inbox', ...name }],
        encryptionContext: {},
      }),
      'INVALID_CIPHERTEXT',
    );
  });

  it('rejects wrong names and keys', async () => {
    const name = { namespace: 'partners', name: 'n' };
    const sealWith = (key: object) =>
      sealForPublicKey({ publicKey, ...name, ...key }, {}, utf8('hello'));
    await expectRejection(sealWith({ namespace: 'aws-kms' }), 'INVALID_INPUT', 'key.namespace');
    await expectRejection(sealWith({ name: '' }), 'INVALID_INPUT', 'key.name');
    await expectRejection(sealWith({ algorithm: 'RSA' }), 'INVALID_INPUT', 'key.algorithm');
    await expectRejection(sealWith({ publicKey: utf8('no') }), 'INVALID_INPUT', 'publicKey');
    await expectRejection(sealWith({ padding: 'RSA' }), 'INVALID_INPUT', 'key.padding');
  });
});
