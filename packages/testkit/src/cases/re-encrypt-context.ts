import { casesOf, kmsApi } from '../case.js';
import { expectBytes, expectError } from '../expect.js';

const contexts = {
  id: 're-encrypt-context',
  statement:
    'In reEncrypt the source and the destination each have an encryption context of their own',
  source: kmsApi('ReEncrypt'),
};

const symmetric = [
  'algorithm:SYMMETRIC_DEFAULT',
  'key:SYMMETRIC_DEFAULT',
  'encryptionContext',
] as const;

export const reEncryptContextCases = casesOf(contexts, [
  {
    id: 'REC-001',
    title: 'binds the new ciphertext to the destination context, and to nothing else',
    needs: symmetric,
    async run({ provider, keys, secret }) {
      const from = { keyId: await keys.get(), encryptionContext: { from: 'a' } };
      const to = {
        keyId: await keys.get('SYMMETRIC_DEFAULT', 1),
        encryptionContext: { to: 'b' },
      };
      const plaintext = secret();
      const sealed = await provider.encrypt({ ...from, plaintext });
      const { ciphertext } = await provider.reEncrypt({
        ciphertext: sealed.ciphertext,
        source: from,
        destination: to,
      });
      for (const encryptionContext of [undefined, { from: 'a' }, { from: 'a', to: 'b' }]) {
        const call = provider.decrypt({ keyId: to.keyId, ciphertext, encryptionContext });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
      }
      const result = await provider.decrypt({ ...to, ciphertext });
      expectBytes(result.plaintext, plaintext, 'the plaintext under the destination context');
    },
  },
  {
    id: 'REC-002',
    title: 'drops the source context when the destination has none',
    needs: symmetric,
    async run({ provider, keys, secret }) {
      const keyId = await keys.get();
      const source = { keyId, encryptionContext: { from: 'a' } };
      const plaintext = secret();
      const sealed = await provider.encrypt({ ...source, plaintext });
      const input = { ciphertext: sealed.ciphertext, source, destination: { keyId } };
      const { ciphertext } = await provider.reEncrypt(input);
      const result = await provider.decrypt({ keyId, ciphertext });
      expectBytes(result.plaintext, plaintext, 'the plaintext without a context');
    },
  },
  {
    id: 'REC-003',
    title: 'adds a destination context where the source had none',
    needs: symmetric,
    async run({ provider, keys, secret }) {
      const keyId = await keys.get();
      const plaintext = secret();
      const sealed = await provider.encrypt({ keyId, plaintext });
      const destination = { keyId, encryptionContext: { to: 'b' } };
      const input = { ciphertext: sealed.ciphertext, source: { keyId }, destination };
      const { ciphertext } = await provider.reEncrypt(input);
      const refused = provider.decrypt({ keyId, ciphertext });
      await expectError(refused, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
      const result = await provider.decrypt({ ...destination, ciphertext });
      expectBytes(result.plaintext, plaintext, 'the plaintext under the destination context');
    },
  },
  {
    id: 'REC-004',
    title: 'does not take the destination context for the source',
    needs: symmetric,
    async run({ provider, keys, secret }) {
      const keyId = await keys.get();
      const plaintext = secret();
      const sealed = await provider.encrypt({
        keyId,
        plaintext,
        encryptionContext: { from: 'a' },
      });
      const call = provider.reEncrypt({
        ciphertext: sealed.ciphertext,
        source: { keyId, encryptionContext: { to: 'b' } },
        destination: { keyId, encryptionContext: { from: 'a' } },
      });
      await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'reEncrypt' });
    },
  },
  {
    id: 'REC-005',
    title: 'takes a context on the symmetric side when the other side is RSA',
    needs: [...symmetric, 'asymmetric', 'key:RSA_2048'],
    async run({ provider, keys, secret }) {
      const rsa = { keyId: await keys.get('RSA_2048'), algorithm: keys.rsaAlgorithm };
      const keyId = await keys.get();
      const encryptionContext = { tenant: 'a' };
      const plaintext = secret();
      const sealed = await provider.encrypt({ ...rsa, plaintext });
      const destination = { keyId, encryptionContext };
      const moved = await provider.reEncrypt({
        ciphertext: sealed.ciphertext,
        source: rsa,
        destination,
      });
      const { ciphertext } = moved;
      const refused = provider.decrypt({ keyId, ciphertext });
      await expectError(refused, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
      const back = await provider.reEncrypt({
        ciphertext,
        source: destination,
        destination: rsa,
      });
      const opened = await provider.decryptAsymmetric({ ...rsa, ciphertext: back.ciphertext });
      expectBytes(opened.plaintext, plaintext, 'the plaintext');
    },
  },
]);
