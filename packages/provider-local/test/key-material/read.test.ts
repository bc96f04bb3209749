import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { expect } from 'chai';
import { readKeyMaterial } from '#dist/key-material/index.js';
import { fixture, PASSPHRASE, readPrivate } from './support.js';

const KEYS = {
  RSA_2048: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  RSA_3072: generateKeyPairSync('rsa', { modulusLength: 3072 }),
  ECC_NIST_P256: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  ECC_NIST_P384: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  ECC_NIST_P521: generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
  ECC_SECG_P256K1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
};

const pkcs8 = (key: KeyObject) => new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
const spki = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));

for (const [keySpec, pair] of Object.entries(KEYS)) {
  describe(`Reading ${keySpec} as node:crypto writes it`, () => {
    const expectPrivate = async (data: string | Uint8Array, passphrase?: string) =>
      expect(await readKeyMaterial(data, { passphrase })).to.deep.equal({
        type: 'private',
        keySpec,
        privateKey: pkcs8(pair.privateKey),
        publicKey: spki(pair.publicKey),
      });
    const expectPublic = async (data: string | Uint8Array) =>
      expect(await readKeyMaterial(data)).to.deep.equal({
        type: 'public',
        keySpec,
        publicKey: spki(pair.publicKey),
      });

    const native = keySpec.startsWith('RSA') ? 'pkcs1' : 'sec1';

    for (const format of ['pem', 'der'] as const) {
      it(`${native} private key, ${format}`, () =>
        expectPrivate(
          pair.privateKey.export({ type: native, format } as { type: 'pkcs1'; format: 'der' }),
        ));

      it(`PKCS#8, ${format}`, () =>
        expectPrivate(
          pair.privateKey.export({ type: 'pkcs8', format } as { type: 'pkcs8'; format: 'der' }),
        ));

      for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc']) {
        it(`PKCS#8 under ${cipher}, ${format}`, () =>
          expectPrivate(
            pair.privateKey.export({
              ...({ type: 'pkcs8', format } as { type: 'pkcs8'; format: 'der' }),
              cipher,
              passphrase: 'grüße €',
            }),
            'grüße €',
          ));
      }

      it(`SubjectPublicKeyInfo, ${format}`, () =>
        expectPublic(
          pair.publicKey.export({ type: 'spki', format } as { type: 'spki'; format: 'der' }),
        ));
    }
  });
}

describe('Reading RSAPublicKey', () => {
  it('PKCS#1, PEM and DER', async () => {
    const { publicKey } = KEYS.RSA_2048;
    for (const data of [
      publicKey.export({ type: 'pkcs1', format: 'pem' }),
      publicKey.export({ type: 'pkcs1', format: 'der' }),
    ]) {
      expect(await readKeyMaterial(data)).to.deep.equal({
        type: 'public',
        keySpec: 'RSA_2048',
        publicKey: spki(publicKey),
      });
    }
  });
});

describe('Reading what OpenSSL wrote', () => {
  const rsa = createPrivateKey(fixture('rsa-2048.pem'));
  const p256 = createPrivateKey(fixture('p256-sec1.pem'));
  const threePrime = createPrivateKey(fixture('three-prime-2048.pem'));

  const privateKeys: [string, KeyObject, string?][] = [
    ['p256-sec1.pem', p256],
    ['rsa-2048-legacy.pem', rsa],
    ['p256-legacy.pem', p256],
    ['rsa-2048-pbes1.pem', rsa],
    ['p256-pbes2-sha1.pem', p256],
    ['rsa-2048.p12', rsa],
    ['rsa-2048-legacy.p12', rsa],
    ['rsa-2048-plain.p12', rsa],
    ['p256.p12', p256],
    ['p256-unicode.p12', p256, 'grüße €'],
    ['three-prime-2048.p12', threePrime],
  ];
  for (const [file, key, passphrase = PASSPHRASE] of privateKeys) {
    it(`the private key of ${file}`, async () => {
      const read = await readPrivate(fixture(file), passphrase);
      expect(read.privateKey).to.deep.equal(pkcs8(key));
      expect(read.publicKey).to.deep.equal(spki(createPublicKey(key)));
    });
  }

  for (const bits of [2048, 3072, 4096]) {
    it(`three-prime-${bits}.pem survives unchanged, its other prime included`, async () => {
      const file = fixture(`three-prime-${bits}.pem`);
      const read = await readPrivate(file);
      expect(read.keySpec).to.equal(`RSA_${bits}`);
      expect(read.privateKey).to.deep.equal(pkcs8(createPrivateKey(file)));
    });
  }

  const publicKeys: [string, KeyObject][] = [
    ['rsa-2048-certificate.pem', rsa],
    ['p256-certificate.pem', p256],
    ['p256-compressed-public.pem', p256],
  ];
  for (const [file, key] of publicKeys) {
    it(`the public key of ${file}, uncompressed`, async () => {
      const read = await readKeyMaterial(fixture(file));
      expect(read.type).to.equal('public');
      expect(read.publicKey).to.deep.equal(spki(createPublicKey(key)));
    });
  }

  it('PEM as text and as bytes, with Windows line ends and text around it', async () => {
    const pem = fixture('rsa-2048.pem').toString('latin1');
    for (const text of [pem, pem.replaceAll('\n', '\r\n'), `Bag Attributes\n${pem}\nthe end\n`]) {
      for (const data of [text, new TextEncoder().encode(text)]) {
        expect((await readPrivate(data)).privateKey).to.deep.equal(pkcs8(rsa));
      }
    }
  });

  it('the private key of a file that also has its certificate', async () => {
    const both = Buffer.concat([fixture('rsa-2048-certificate.pem'), fixture('rsa-2048.pem')]);
    expect((await readPrivate(both)).privateKey).to.deep.equal(pkcs8(rsa));
  });

  it('a SEC 1 key without its public key, which is computed', async () => {
    const { d } = p256.export({ format: 'jwk' });
    const der = Buffer.concat([
      Buffer.from('30310201010420', 'hex'),
      Buffer.from(d as string, 'base64url'),
      Buffer.from('a00a06082a8648ce3d030107', 'hex'),
    ]);
    expect(await readPrivate(der)).to.deep.include({
      privateKey: pkcs8(p256),
      publicKey: spki(createPublicKey(p256)),
    });
  });

  it('into memory of its own, leaving the input alone', async () => {
    const input = fixture('p256.p12');
    const before = Buffer.from(input);
    const { privateKey, publicKey } = await readPrivate(input, PASSPHRASE);
    for (const bytes of [privateKey, publicKey]) {
      expect(bytes.byteOffset).to.equal(0);
      expect(bytes.buffer.byteLength).to.equal(bytes.length);
    }
    expect(input).to.deep.equal(before);
  });
});
