import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AsymmetricAlgorithm, InvalidInputError, sealWithPublicKey } from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js } from './support/failures.js';
import { ToyProvider } from './support/toy-provider.js';

const spki = (key: KeyObject) =>
  new Uint8Array(
    (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' }),
  );
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });

/** An RSA key that is ready, because making one takes up to seconds. */
function readyRsa(bits: 2048 | 3072 | 4096) {
  const folder = new URL('../../provider-local/test/key-files/fixtures/', import.meta.url);
  const privateKey = createPrivateKey(readFileSync(new URL(`rsa-${bits}.pem`, folder)));
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const HASHES = {
  RSAES_OAEP_SHA_1: 'sha1',
  RSAES_OAEP_SHA_256: 'sha256',
  RSAES_OAEP_SHA_384: 'sha384',
  RSAES_OAEP_SHA_512: 'sha512',
} as const;

/** Opens with OpenSSL, which knows nothing of this package. */
function open(key: KeyObject, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm): Uint8Array {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return new Uint8Array(privateDecrypt({ key, padding, oaepHash: HASHES[algorithm] }, ciphertext));
}

const algorithm = 'RSAES_OAEP_SHA_256';

describe('sealWithPublicKey', () => {
  for (const [bits, limits] of [
    [
      2048,
      {
        RSAES_OAEP_SHA_1: 214,
        RSAES_OAEP_SHA_256: 190,
        RSAES_OAEP_SHA_384: 158,
        RSAES_OAEP_SHA_512: 126,
      },
    ],
    [
      3072,
      {
        RSAES_OAEP_SHA_1: 342,
        RSAES_OAEP_SHA_256: 318,
        RSAES_OAEP_SHA_384: 286,
        RSAES_OAEP_SHA_512: 254,
      },
    ],
    [
      4096,
      {
        RSAES_OAEP_SHA_1: 470,
        RSAES_OAEP_SHA_256: 446,
        RSAES_OAEP_SHA_384: 414,
        RSAES_OAEP_SHA_512: 382,
      },
    ],
  ] as const) {
    it(`seals 1 byte to the maximum for a ${bits}-bit key, and node:crypto decrypts it`, async function () {
      this.timeout(300_000);
      const { publicKey, privateKey } = readyRsa(bits);
      for (const hash of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const) {
        for (const length of [1, limits[hash]]) {
          const plaintext = crypto.getRandomValues(new Uint8Array(length));
          const ciphertext = await sealWithPublicKey(spki(publicKey), plaintext, hash);
          expect(ciphertext).to.have.length(bits / 8);
          expect(open(privateKey, ciphertext, hash)).to.deep.equal(plaintext);
        }
        const tooLong = new Uint8Array(limits[hash] + 1);
        const call = sealWithPublicKey(spki(publicKey), tooLong, hash);
        const error = await expectRejection(call, InvalidInputError, { field: 'plaintext' });
        expect(error.message).to.include(`at most ${limits[hash]} bytes`);
      }
    });
  }

  const { publicKey, privateKey } = readyRsa(2048);
  const der = spki(publicKey);
  const plaintext = Uint8Array.of(1, 2, 3);

  it('returns what decryptAsymmetric decrypts', async () => {
    const provider = new ToyProvider();
    const keyId = provider.addKey('alias/inbox', { keySpec: 'RSA_2048' });
    const { publicKey } = await provider.getPublicKey({ keyId });
    const ciphertext = await sealWithPublicKey(publicKey, plaintext, algorithm);
    using opened = await provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
    expect(opened.plaintext).to.deep.equal(plaintext);
  });

  it('makes another ciphertext each time', async () => {
    const first = await sealWithPublicKey(der, plaintext, algorithm);
    expect(await sealWithPublicKey(der, plaintext, algorithm)).not.to.deep.equal(first);
  });

  it('has copied both when the promise is there, and changes neither', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const key = der.slice();
    const sealing = sealWithPublicKey(key, bytes, algorithm);
    expect([bytes, key]).to.deep.equal([plaintext, der]);
    bytes.fill(0);
    key.fill(0);
    expect(open(privateKey, await sealing, algorithm)).to.deep.equal(plaintext);
  });

  it('wipes its copy of the plaintext', async () => {
    const encrypt = sinon.spy(crypto.subtle, 'encrypt');
    try {
      await sealWithPublicKey(der, plaintext, algorithm);
      expect(encrypt.callCount).to.equal(1);
      expect(encrypt.firstCall.args[2]).to.deep.equal(new Uint8Array(3));
    } finally {
      encrypt.restore();
    }
  });

  it('accepts parts of a pool, and returns bytes that own their memory', async () => {
    const pool = Buffer.concat([Buffer.alloc(5), der, plaintext]);
    const ciphertext = await sealWithPublicKey(
      pool.subarray(5, 5 + der.length),
      pool.subarray(5 + der.length),
      algorithm,
    );
    expect([ciphertext.byteOffset, ciphertext.buffer.byteLength]).to.deep.equal([0, 256]);
    expect(open(privateKey, ciphertext, algorithm)).to.deep.equal(plaintext);
  });

  const withExponent = (e: string) =>
    spki(createPublicKey({ key: { ...publicKey.export({ format: 'jwk' }), e }, format: 'jwk' }));

  for (const [what, make] of [
    ['nothing', () => undefined],
    ['PEM text', () => publicKey.export({ type: 'spki', format: 'pem' })],
    ['PEM as bytes', () => Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))],
    ['a KeyObject', () => publicKey],
    ['no bytes', () => new Uint8Array()],
    ['garbage', () => new Uint8Array(294).fill(0x30)],
    ['half a key', () => der.subarray(0, 150)],
    ['PKCS#1 instead of SPKI', () => publicKey.export({ type: 'pkcs1', format: 'der' })],
    ['the private key', () => privateKey.export({ type: 'pkcs8', format: 'der' })],
    ['an EC key', () => spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
    ['an Ed25519 key', () => spki(generateKeyPairSync('ed25519').publicKey)],
    ['an RSA key for signing only (RSA-PSS)', () => spki(rsaPss())],
    ['a 1024-bit key', () => spki(rsa(1024).publicKey)],
    ['a 2047-bit key', () => spki(rsa(2047).publicKey)],
    ['a 2560-bit key', () => spki(rsa(2560).publicKey)],
    ['a key with the exponent 1, which does not encrypt', () => withExponent('AQ')],
    ['a key with an even exponent', () => withExponent('AQAC')],
    ['a key with the exponent 0', () => withExponent('AA')],
    ['shared memory', () => new Uint8Array(new SharedArrayBuffer(294))],
  ] as const) {
    it(`rejects ${what} as a public key (INVALID_INPUT)`, async () => {
      const call = sealWithPublicKey(js(make()), plaintext, algorithm);
      await expectRejection(call, InvalidInputError, { field: 'publicKey' });
    });
  }

  it('accepts the exponents 3 and 65537', async () => {
    for (const publicExponent of [3, 65537]) {
      const pair = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent });
      const ciphertext = await sealWithPublicKey(spki(pair.publicKey), plaintext, algorithm);
      expect(open(pair.privateKey, ciphertext, algorithm)).to.deep.equal(plaintext);
    }
  });

  for (const [what, bytes] of [
    ['nothing', undefined],
    ['text', 'secret'],
    ['no bytes', new Uint8Array()],
    ['shared memory', new Uint8Array(new SharedArrayBuffer(3))],
    ['more than any key takes', new Uint8Array(447)],
  ] as const) {
    it(`rejects ${what} as a plaintext (INVALID_INPUT)`, async () => {
      const call = sealWithPublicKey(der, js(bytes), algorithm);
      await expectRejection(call, InvalidInputError, { field: 'plaintext' });
    });
  }

  it('rejects an unknown algorithm (INVALID_INPUT)', async () => {
    for (const wrong of [undefined, 'SYMMETRIC_DEFAULT', 'RSA-OAEP', 'toString', 7, null, {}]) {
      const call = sealWithPublicKey(der, plaintext, js(wrong));
      await expectRejection(call, InvalidInputError, { field: 'algorithm' });
    }
  });
});

function rsaPss(): KeyObject {
  return generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey;
}
