import { casesOf, kmsApi } from '../case.js';
import { expectError } from '../expect.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { expectOpens, keyOf, open, seal } from '../round-trip.js';

const contexts = {
  id: 're-encrypt-context',
  statement: 'In reEncrypt the source and the destination have separate encryption contexts',
  source: kmsApi('ReEncrypt'),
};

export const reEncryptContextCases = casesOf(
  contexts,
  [
    {
      id: 'REC-001',
      title: 'binds the new ciphertext to the destination context, and to nothing else',
      async run(context) {
        const { provider, keys } = context;
        const source = { keyId: await keys.get(), encryptionContext: { from: 'a' } };
        const to = {
          keyId: await keys.get('SYMMETRIC_DEFAULT', 1),
          encryptionContext: { to: 'b' },
        };
        const { plaintext, ciphertext } = await seal(context, source);
        const moved = await provider.reEncrypt({ ciphertext, source, destination: to });
        const sealed = { ...to, plaintext, ciphertext: moved.ciphertext };
        for (const encryptionContext of [undefined, { from: 'a' }, { from: 'a', to: 'b' }]) {
          const call = open(provider, { ...sealed, encryptionContext });
          await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        }
        await expectOpens(provider, sealed);
      },
    },
    {
      id: 'REC-002',
      title: 'drops the source context when the destination has none',
      async run(context) {
        const { provider, keys } = context;
        const destination = { keyId: await keys.get() };
        const source = { ...destination, encryptionContext: { from: 'a' } };
        const { plaintext, ciphertext } = await seal(context, source);
        const moved = await provider.reEncrypt({ ciphertext, source, destination });
        await expectOpens(provider, { ...destination, plaintext, ciphertext: moved.ciphertext });
      },
    },
    {
      id: 'REC-003',
      title: 'adds a destination context when the source had none',
      async run(context) {
        const { provider, keys } = context;
        const source = { keyId: await keys.get() };
        const destination = { ...source, encryptionContext: { to: 'b' } };
        const { plaintext, ciphertext: old } = await seal(context, source);
        const { ciphertext } = await provider.reEncrypt({ ciphertext: old, source, destination });
        const rejected = open(provider, { ...source, ciphertext });
        await expectError(rejected, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        await expectOpens(provider, { ...destination, plaintext, ciphertext });
      },
    },
    {
      id: 'REC-004',
      title: 'does not use the destination context for the source',
      async run(context) {
        const destination = { encryptionContext: { from: 'a' } };
        const { keyId, ciphertext } = await seal(context, destination);
        const call = context.provider.reEncrypt({
          ciphertext,
          source: { keyId, encryptionContext: { to: 'b' } },
          destination: { keyId, ...destination },
        });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'reEncrypt' });
      },
    },
    {
      id: 'REC-005',
      title: 'accepts a context on the symmetric side when the other side is RSA',
      needs: RSA,
      async run(context) {
        const { provider, keys } = context;
        const rsa = await keyOf(context, 'RSA_2048');
        const bound = { keyId: await keys.get(), encryptionContext: { tenant: 'a' } };
        const { plaintext, ciphertext: old } = await seal(context, rsa);
        const moving = { ciphertext: old, source: rsa, destination: bound };
        const { ciphertext } = await provider.reEncrypt(moving);
        const rejected = provider.decrypt({ keyId: bound.keyId, ciphertext });
        await expectError(rejected, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        const back = await provider.reEncrypt({ ciphertext, source: bound, destination: rsa });
        await expectOpens(provider, { ...rsa, plaintext, ciphertext: back.ciphertext });
      },
    },
  ],
  [...SYMMETRIC, 'encryptionContext'],
);
