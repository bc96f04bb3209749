import { constants, createPrivateKey, createPublicKey, publicEncrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InvalidInputError, type OaepHash, ProviderClosedError } from '@keywrap/core';
import { expect } from 'chai';
import fc from 'fast-check';
import { hex, loadVectors } from '../vectors/load.js';
import { ENGINES, ownsItsMemory, PAIRS, randomBytes } from './engines.js';

interface OaepFile {
  readonly testGroups: readonly {
    readonly privateKeyPkcs8: string;
    readonly tests: readonly ({ readonly tcId: number; readonly result: string } & Record<
      'msg' | 'ct' | 'label',
      string
    >)[];
  }[];
}

const WYCHEPROOF = {
  'SHA-1': 'wycheproof/rsa_oaep_2048_sha1_mgf1sha1_test.json',
  'SHA-256': 'wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json',
  'SHA-384': 'wycheproof/rsa_oaep_2048_sha384_mgf1sha384_test.json',
  'SHA-512': 'wycheproof/rsa_oaep_2048_sha512_mgf1sha512_test.json',
} as const;

const HASH_LENGTH = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 } as const;
const HASHES = Object.keys(HASH_LENGTH) as OaepHash[];

const fixture = (name: string): Uint8Array => {
  const url = new URL(`../../test/key-files/fixtures/${name}.pem`, import.meta.url);
  const key = createPrivateKey(readFileSync(url));
  return new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
};

const spkiOf = (pkcs8: Uint8Array): Uint8Array =>
  new Uint8Array(
    createPublicKey(
      createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }),
    ).export({ format: 'der', type: 'spki' }),
  );

for (const engine of ENGINES) {
  describe(`RSAES-OAEP of the ${engine.name} engine`, () => {
    for (const [hash, file] of Object.entries(WYCHEPROOF) as [OaepHash, string][]) {
      it(`agrees with every Wycheproof vector for ${hash}; a label that is not empty does not decrypt`, async () => {
        for (const { privateKeyPkcs8, tests } of loadVectors<OaepFile>(file).testGroups) {
          const key = await engine.loadRsaPrivateKey(hex(privateKeyPkcs8));
          for (const test of tests) {
            const decrypts = test.result === 'valid' && test.label === '';
            const expected = decrypts ? hex(test.msg) : undefined;
            const actual = await key.decrypt(hex(test.ct), hash);
            expect(actual, `tcId ${test.tcId}`).to.deep.equal(expected);
          }
        }
      });
    }

    for (const name of ['rsa-2048', 'rsa-3072', 'rsa-4096']) {
      it(`decrypts what node:crypto encrypted under ${name}, with every hash`, async () => {
        const pkcs8 = fixture(name);
        const key = await engine.loadRsaPrivateKey(pkcs8);
        const publicKey = createPublicKey({
          key: Buffer.from(spkiOf(pkcs8)),
          format: 'der',
          type: 'spki',
        });
        expect(key.modulusLength).to.equal(Number(name.slice(-4)) / 8);
        for (const hash of HASHES) {
          const message = randomBytes(key.modulusLength - 2 * HASH_LENGTH[hash] - 2);
          const ciphertext = publicEncrypt(
            { key: publicKey, oaepHash: hash, padding: constants.RSA_PKCS1_OAEP_PADDING },
            message,
          );
          const decrypted = await key.decrypt(ciphertext, hash);
          expect(decrypted).to.deep.equal(message);
          expect(ownsItsMemory(decrypted as Uint8Array)).to.equal(true);
        }
      });
    }

    it('reports every failure alike: length, range, padding, label and hash', async () => {
      const pkcs8 = fixture('rsa-2048');
      const key = await engine.loadRsaPrivateKey(pkcs8);
      const publicKey = await engine.loadRsaPublicKey(spkiOf(pkcs8));
      const ciphertext = await publicKey.encrypt(randomBytes(32), 'SHA-256');
      const wrong = [
        new Uint8Array(),
        ciphertext.slice(1),
        Uint8Array.of(...ciphertext, 0),
        Uint8Array.of(0, ...ciphertext),
        new Uint8Array(256), // zero
        new Uint8Array(256).fill(0xff), // not below the modulus
        randomBytes(256).fill(0, 0, 1),
      ];
      for (const input of wrong) {
        expect(await key.decrypt(input, 'SHA-256')).to.equal(undefined);
      }
      expect(await key.decrypt(ciphertext, 'SHA-1')).to.equal(undefined);
      expect(await key.decrypt(ciphertext, 'SHA-256')).to.have.length(32);
    });

    it('rejects a ciphertext that lost a leading zero, though it is the same number', async () => {
      const pkcs8 = fixture('rsa-2048');
      const key = await engine.loadRsaPrivateKey(pkcs8);
      const spki = createPublicKey({
        key: Buffer.from(spkiOf(pkcs8)),
        format: 'der',
        type: 'spki',
      });
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      let ciphertext: Uint8Array;
      do {
        ciphertext = publicEncrypt({ key: spki, oaepHash: 'SHA-256', padding }, randomBytes(32));
      } while (ciphertext[0] !== 0);
      expect(await key.decrypt(ciphertext, 'SHA-256')).to.have.length(32);
      expect(await key.decrypt(ciphertext.slice(1), 'SHA-256')).to.equal(undefined);
    });

    it('encrypts the longest message, and rejects one byte more', async () => {
      const pkcs8 = fixture('rsa-2048');
      const publicKey = await engine.loadRsaPublicKey(spkiOf(pkcs8));
      for (const [hash, maximum] of [
        ['SHA-1', 214],
        ['SHA-256', 190],
      ] as const) {
        const ciphertext = await publicKey.encrypt(randomBytes(maximum), hash);
        expect(ciphertext).to.have.length(256);
        expect(ownsItsMemory(ciphertext)).to.equal(true);
        const error = await publicKey.encrypt(randomBytes(maximum + 1), hash).catch((e) => e);
        expect(error).to.be.instanceOf(InvalidInputError).with.property('field', 'plaintext');
      }
    });

    it('never encrypts the same way twice', async () => {
      const publicKey = await engine.loadRsaPublicKey(spkiOf(fixture('rsa-2048')));
      const message = randomBytes(16);
      const first = await publicKey.encrypt(message, 'SHA-256');
      expect(await publicKey.encrypt(message, 'SHA-256')).not.to.deep.equal(first);
    });

    it('rejects to decrypt after destroy', async () => {
      const key = await engine.loadRsaPrivateKey(fixture('rsa-2048'));
      key.destroy();
      const error = await key.decrypt(randomBytes(256), 'SHA-1').catch((e) => e);
      expect(error).to.be.instanceOf(ProviderClosedError);
    });

    it('rejects anything but an RSA key, without quoting it', async () => {
      const { privateKey, publicKey } = await engine.generateKeyPair('ECC_NIST_P256');
      for (const bytes of [privateKey, publicKey, randomBytes(40), new Uint8Array()]) {
        for (const load of [engine.loadRsaPrivateKey, engine.loadRsaPublicKey]) {
          const error = await load(bytes).catch((e) => e);
          expect(error).to.be.instanceOf(InvalidInputError).with.property('field', 'keyMaterial');
        }
      }
    });
  });
}

describe('RSAES-OAEP between the engines', () => {
  const pkcs8 = fixture('rsa-2048');
  const spki = spkiOf(pkcs8);

  for (const { from, to } of PAIRS.filter((pair) => pair.from !== pair.to)) {
    for (const hash of ['SHA-1', 'SHA-256'] as const) {
      it(`${to.name} decrypts what ${from.name} encrypted with ${hash}`, async () => {
        const publicKey = await from.loadRsaPublicKey(spki);
        const privateKey = await to.loadRsaPrivateKey(pkcs8);
        await fc.assert(
          fc.asyncProperty(
            fc.uint8Array({ maxLength: 256 - 2 * HASH_LENGTH[hash] - 2 }),
            async (message) => {
              const ciphertext = await publicKey.encrypt(message, hash);
              const decrypted = await privateKey.decrypt(ciphertext, hash);
              return decrypted !== undefined && Buffer.compare(decrypted, message) === 0;
            },
          ),
          { numRuns: 20 },
        );
      });
    }
  }
});
