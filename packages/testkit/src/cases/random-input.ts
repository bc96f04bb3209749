import fc from 'fast-check';
import { casesOf, kmsApi, kmsGuide } from '../case.js';
import { expectBytes, expectError } from '../expect.js';
import { anyPlaintext, contextPairs, differentPairs, expectAlways } from '../property.js';

const anyInput = {
  id: 'any-input',
  statement:
    'Any plaintext under any encryption context opens to itself, whatever the order of pairs',
  source: kmsApi('Encrypt'),
};

const anyDifference = {
  id: 'any-other-context',
  statement: 'Any two encryption contexts that differ in a pair are different ones',
  source: kmsGuide('encrypt_context.html'),
};

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

export const randomInputCases = [
  ...casesOf(anyInput, [
    {
      id: 'RND-001',
      title: 'decrypts what it encrypted, for random plaintexts of 1 to 4096 bytes',
      needs: symmetric,
      async run(context) {
        const { provider, keys } = context;
        const keyId = await keys.get();
        const attempt = async (plaintext: Uint8Array) => {
          const { ciphertext } = await provider.encrypt({ keyId, plaintext });
          const result = await provider.decrypt({ keyId, ciphertext });
          expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
        };
        await expectAlways(context, anyPlaintext, attempt, { runs: 60 });
      },
    },
    {
      id: 'RND-002',
      title: 'takes random contexts of all of Unicode, their pairs in another order',
      needs: [...symmetric, 'encryptionContext'],
      async run(context) {
        const { provider, keys, secret } = context;
        const keyId = await keys.get();
        const shuffled = contextPairs.chain((pairs) =>
          fc.tuple(
            fc.constant(pairs),
            fc.shuffledSubarray(pairs, { minLength: pairs.length, maxLength: pairs.length }),
          ),
        );
        const attempt = async ([made, given]: readonly [Pairs, Pairs]) => {
          const plaintext = secret();
          const encryptionContext = Object.fromEntries(made);
          const { ciphertext } = await provider.encrypt({ keyId, plaintext, encryptionContext });
          const same = { keyId, ciphertext, encryptionContext: Object.fromEntries(given) };
          expectBytes((await provider.decrypt(same)).plaintext, plaintext, 'the plaintext');
        };
        await expectAlways(context, shuffled, attempt, { runs: 60 });
      },
    },
  ]),
  ...casesOf(anyDifference, [
    {
      id: 'RND-003',
      title: 'refuses a random context that is another one (INVALID_CIPHERTEXT)',
      needs: [...symmetric, 'encryptionContext'],
      async run(context) {
        const { provider, keys, secret } = context;
        const keyId = await keys.get();
        // One for all: each error is searched for each secret.
        const plaintext = secret();
        const attempt = async ([made, given]: readonly [Pairs, Pairs]) => {
          const encryptionContext = Object.fromEntries(made);
          const { ciphertext } = await provider.encrypt({ keyId, plaintext, encryptionContext });
          const other = { keyId, ciphertext, encryptionContext: Object.fromEntries(given) };
          const details = { operation: 'decrypt' };
          await expectError(provider.decrypt(other), 'INVALID_CIPHERTEXT', details);
        };
        await expectAlways(context, differentPairs, attempt, { runs: 150 });
      },
    },
  ]),
];

type Pairs = readonly (readonly [string, string])[];
