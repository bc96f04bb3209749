import { casesOf, kmsApi } from '../case.js';
import { expectError } from '../expect.js';
import type { CallContext } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { type Known, open, seal } from '../round-trip.js';

const unknown = {
  id: 'unknown-key',
  statement:
    'A ciphertext of a key that does not exist here is rejected (ACCESS_DENIED; INCORRECT_KEY if another key is named)',
  source: kmsApi('Decrypt'),
};

/** Makes a ciphertext of a key that is deleted afterwards. */
async function orphan(context: CallContext): Promise<Known> {
  const sealed = await seal(context, { keyId: await context.keys.create() });
  await context.keys.destroy(sealed.keyId);
  return sealed;
}

export const unknownKeyCases = casesOf(
  unknown,
  [
    {
      id: 'UNK-001',
      title: 'decrypt without a keyId rejects it (ACCESS_DENIED)',
      async run(context) {
        const { ciphertext } = await orphan(context);
        const call = context.provider.decrypt({ ciphertext });
        await expectError(call, 'ACCESS_DENIED', { operation: 'decrypt' });
      },
    },
    {
      id: 'UNK-002',
      title: 'reEncrypt without a source rejects it (ACCESS_DENIED)',
      async run(context) {
        const { ciphertext } = await orphan(context);
        const destination = { keyId: await context.keys.get() };
        const call = context.provider.reEncrypt({ ciphertext, destination });
        await expectError(call, 'ACCESS_DENIED', { operation: 'reEncrypt' });
      },
    },
    {
      id: 'UNK-003',
      title: 'decrypt with another keyId rejects it (INCORRECT_KEY)',
      async run(context) {
        const { ciphertext } = await orphan(context);
        const keyId = await context.keys.get();
        const call = open(context.provider, { keyId, ciphertext });
        await expectError(call, 'INCORRECT_KEY', { operation: 'decrypt', keyId: [keyId] });
      },
    },
    {
      id: 'UNK-004',
      title: 'decrypt with its own keyId finds no key (KEY_NOT_FOUND)',
      async run(context) {
        const { keyId, ciphertext } = await orphan(context);
        const call = open(context.provider, { keyId, ciphertext });
        await expectError(call, 'KEY_NOT_FOUND', { operation: 'decrypt', keyId: [keyId] });
      },
    },
  ],
  [...SYMMETRIC, 'keyIdFromCiphertext', 'keys.destroy'],
);
