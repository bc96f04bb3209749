import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { UnsupportedOperationError } from '@keywrap/core';
import { expect } from 'chai';
import { readKeyMaterial } from '#dist/key-files/index.js';
import {
  fixture,
  PASSPHRASE,
  PLATFORMS,
  readPrivate,
  rejection,
  useBrowserPlatform,
} from './support.js';

const pairIn = (file: string) => {
  const privateKey = createPrivateKey(fixture(file));
  return { privateKey, publicKey: createPublicKey(privateKey) };
};

const KEYS = {
  RSA_2048: pairIn('rsa-2048.pem'),
  RSA_3072: pairIn('rsa-3072.pem'),
  ECC_NIST_P256: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  ECC_NIST_P384: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  ECC_NIST_P521: generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
  ECC_SECG_P256K1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
};

const pkcs8 = (key: KeyObject) => new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
const spki = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));

/** PBES1 and the schemes of PKCS#12, in PKCS#8 and in PKCS#12. */
const PBE = [
  ...['md5-des', 'md5-rc2-64', 'sha1-des', 'sha1-rc2-64'].map((name) => `${name}.pem`),
  ...['rc4-128', 'rc4-40', '2des', 'rc2-128', 'rc2-40'].flatMap((name) => [
    `sha1-${name}.pem`,
    `sha1-${name}.p12`,
  ]),
];

const PBES2 = ['sha384', 'sha512', 'des', 'aes128-gcm', 'aes192-gcm', 'aes256-gcm'];

/** Derivations that neither node-forge nor WebCrypto has. */
const NODE_ALONE = [
  'p256-scrypt.pem',
  'p256-pbes2-sha224.pem',
  'p256-pbes2-sha512-256.pem',
  'p256-mac-sha224.p12',
];

for (const platform of PLATFORMS) {
  for (const [keySpec, pair] of Object.entries(KEYS)) {
    describe(`Reading ${keySpec} as node:crypto writes it, by ${platform}`, () => {
      if (platform === 'node-forge') useBrowserPlatform();
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

  describe(`Reading RSAPublicKey, by ${platform}`, () => {
    if (platform === 'node-forge') useBrowserPlatform();

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

  describe(`Reading what other tools wrote, by ${platform}`, () => {
    if (platform === 'node-forge') useBrowserPlatform();

    const rsa = createPrivateKey(fixture('rsa-2048.pem'));
    const p256 = createPrivateKey(fixture('p256-sec1.pem'));

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
      ['rsa-3072.pem', createPrivateKey(fixture('rsa-3072.pem'))],
      ['rsa-4096.pem', createPrivateKey(fixture('rsa-4096.pem'))],
      ['p256-hybrid.pem', p256],
      ['p256-legacy-des.pem', p256],
      ['p256-nomac.p12', p256],
      ...PBE.map((name): [string, KeyObject] => [`p256-pbe-${name}`, p256]),
      ...PBES2.map((name): [string, KeyObject] => [`p256-pbes2-${name}.pem`, p256]),
    ];
    for (const [file, key, passphrase = PASSPHRASE] of privateKeys) {
      it(`the private key of ${file}`, async () => {
        const read = await readPrivate(fixture(file), passphrase);
        expect(read.privateKey).to.deep.equal(pkcs8(key));
        expect(read.publicKey).to.deep.equal(spki(createPublicKey(key)));
      });
    }

    for (const name of NODE_ALONE) {
      it(`${name}${platform === 'node-forge' ? ': says that it needs Node.js' : ''}`, async () => {
        const reading = readPrivate(fixture(name), PASSPHRASE);
        if (platform === 'node:crypto') {
          expect((await reading).privateKey).to.deep.equal(pkcs8(p256));
        } else {
          const error = await reading.catch((reason) => reason);
          expect(error).to.be.instanceOf(UnsupportedOperationError);
          expect(error.message).to.contain('only Node.js reads');
        }
      });
    }

    it('java.p12, as keytool writes it', async () => {
      expect((await readPrivate(fixture('java.p12'), PASSPHRASE)).keySpec).to.equal(
        'ECC_NIST_P256',
      );
    });

    it('go-modern2026.p12, whose MAC is PBMAC1', async () => {
      const file = fixture('go-modern2026.p12');
      expect((await readPrivate(file, 'secret')).keySpec).to.equal('RSA_2048');
      await rejection(file, 'passphrase', 'secreT');
      await rejection(file.with(file.length - 300, 0), 'passphrase', 'secret'); // the MAC covers it
    });

    for (const file of ['p256-empty.p12', 'p256-legacy-empty.p12']) {
      it(`${file} without a passphrase, and with an empty one`, async () => {
        const without = await readPrivate(fixture(file));
        expect(await readPrivate(fixture(file), '')).to.deep.equal(without);
        await rejection(fixture(file), 'passphrase', 'x');
      });
    }

    const publicKeys: [string, KeyObject][] = [
      ['rsa-2048-certificate.pem', rsa],
      ['p256-certificate.pem', p256],
      ['p256-compressed-public.pem', p256],
      ['p256-hybrid-public.pem', p256],
    ];
    for (const [file, key] of publicKeys) {
      it(`the public key of ${file}, uncompressed`, async () => {
        const read = await readKeyMaterial(fixture(file));
        expect(read.type).to.equal('public');
        expect(read.publicKey).to.deep.equal(spki(createPublicKey(key)));
      });
    }

    const pem = fixture('rsa-2048.pem').toString('latin1');
    const TEXTS: readonly (readonly [string, string])[] = [
      ['as it is', pem],
      ['with Windows line ends', pem.replaceAll('\n', '\r\n')],
      [
        'with text around it',
        `Bag Attributes\n    localKeyID: 01\nKey Attributes: <None>\n${pem}\nend\n`,
      ],
      ['after blank lines', `\n \r\n\n${pem}`],
      ['after a byte order mark', `\ufeff${pem}`],
      ['in one line, with \\n for its line ends', pem.replaceAll('\n', '\\n')],
      ['in base64', Buffer.from(pem).toString('base64')],
      ['without its armour', pem.replaceAll(/-----.*/g, '')],
    ];
    for (const [what, text] of TEXTS) {
      it(`PEM ${what}, as text and as bytes`, async () => {
        for (const data of [text, Buffer.from(text), Buffer.from(`\ufeff${text}`, 'utf16le')]) {
          expect((await readPrivate(data)).privateKey).to.deep.equal(pkcs8(rsa));
        }
      });
    }

    it('text-base64-of-der.txt, as an environment variable holds it', async () => {
      const file = fixture('text-base64-of-der.txt');
      for (const data of [file, file.toString(), `${file}\n`]) {
        expect((await readPrivate(data)).keySpec).to.equal('RSA_2048');
      }
    });

    it('the private key of a file that also holds its certificate', async () => {
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

    it('into new memory, leaving the input unchanged', async () => {
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
}
