import { randomInt } from 'node:crypto';
import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import { expect } from 'chai';
import fc from 'fast-check';
import { type ENGINES, fixture } from './support.js';

const RSA = {
  keyId: 'alias/rsa',
  keySpec: 'RSA_2048',
  keyMaterial: fixture('rsa-2048.pem'),
} as const;

/** One provider for each engine, all with the same keys. */
function openBoth() {
  const store = new MemoryKeyStore();
  const keys = ['alias/symmetric', RSA];
  const openWith = (engine: (typeof ENGINES)[number]) =>
    new LocalKeyWrapProvider({ engine, store, keys });
  return { node: openWith('node'), forge: openWith('forge') };
}

const DIRECTIONS = [
  { from: 'node', to: 'forge' },
  { from: 'forge', to: 'node' },
] as const;

const text = fc.string({ unit: 'binary', maxLength: 20 });
const contexts = fc
  .dictionary(text, text, { maxKeys: 6 })
  .filter((context) => !Object.hasOwn(context, '__proto__'));
const plaintexts = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 64 }),
  fc.integer({ min: 1, max: 4096 }).map((length) => new Uint8Array(length).fill(length)),
);

for (const { from, to } of DIRECTIONS) {
  describe(`The ${to} engine decrypts what the ${from} engine encrypted`, () => {
    const providers = openBoth();
    const [writer, reader] = [providers[from], providers[to]];

    it('under a symmetric key: any plaintext, any context, its pairs in any order', async () => {
      const keyId = 'alias/symmetric';
      await fc.assert(
        fc.asyncProperty(plaintexts, contexts, async (plaintext, encryptionContext) => {
          const { ciphertext } = await writer.encrypt({ keyId, plaintext, encryptionContext });
          const reversed = Object.fromEntries(Object.entries(encryptionContext).reverse());
          const opened = await reader.decrypt({ keyId, ciphertext, encryptionContext: reversed });
          expect(opened.plaintext).to.deep.equal(plaintext);
        }),
        { numRuns: 1000 },
      );
    });

    it('under a symmetric key that was rotated in between', async () => {
      const { keyId } = await writer.createKey();
      const plaintext = Uint8Array.of(1, 2, 3);
      for (const rotating of [reader, writer]) {
        await rotating.rotateKey({ keyId });
        const { ciphertext } = await writer.encrypt({ keyId, plaintext });
        expect((await reader.decrypt({ ciphertext })).plaintext).to.deep.equal(plaintext);
      }
    });

    for (const [algorithm, maximum] of [
      ['RSAES_OAEP_SHA_1', 214],
      ['RSAES_OAEP_SHA_256', 190],
    ] as const) {
      it(`under an RSA key with ${algorithm}: any plaintext, up to the longest`, async () => {
        const keyId = RSA.keyId;
        const lengths = [1, maximum, ...Array.from({ length: 10 }, () => randomInt(1, maximum))];
        for (const length of lengths) {
          const plaintext = crypto.getRandomValues(new Uint8Array(length));
          const { ciphertext } = await writer.encrypt({ keyId, algorithm, plaintext });
          const opened = await reader.decryptAsymmetric({ keyId, algorithm, ciphertext });
          expect(opened.plaintext).to.deep.equal(plaintext);
        }
      });
    }

    it('from a symmetric key to an RSA key and back, alternating engines', async () => {
      const encryptionContext = { order: '7' };
      const plaintext = crypto.getRandomValues(new Uint8Array(32));
      const symmetric = { keyId: 'alias/symmetric', encryptionContext };
      const rsa = { keyId: RSA.keyId, algorithm: 'RSAES_OAEP_SHA_256' } as const;
      const sealed = await writer.encrypt({ ...symmetric, plaintext });
      const underRsa = await reader.reEncrypt({
        ciphertext: sealed.ciphertext,
        source: symmetric,
        destination: rsa,
      });
      const back = await writer.reEncrypt({
        ciphertext: underRsa.ciphertext,
        source: rsa,
        destination: symmetric,
      });
      const opened = await reader.decrypt({ ...symmetric, ciphertext: back.ciphertext });
      expect(opened.plaintext).to.deep.equal(plaintext);
    });

    it('a generated data key, and the private key of a generated pair', async () => {
      const keyId = 'alias/symmetric';
      const dataKey = await writer.generateDataKey({ keyId, keySpec: 'AES_256' });
      const { ciphertext } = dataKey;
      expect((await reader.decrypt({ ciphertext })).plaintext).to.deep.equal(dataKey.plaintext);

      const keyPairSpec = 'ECC_NIST_P384';
      const pair = await writer.generateDataKeyPair({ keyId, keyPairSpec });
      const opened = await reader.decrypt({ ciphertext: pair.privateKeyCiphertext });
      expect(opened.plaintext).to.deep.equal(pair.privateKey);
    });
  });
}
