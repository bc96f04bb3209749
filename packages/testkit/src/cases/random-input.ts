import { limitOf } from '@keywrap/core';
import fc from 'fast-check';
import { casesOf, kmsApi, kmsGuide } from '../case.js';
import { expectError } from '../expect.js';
import { SYMMETRIC } from '../needs.js';
import { anyPlaintext, contextPairs, differentPairs, expectAlways } from '../property.js';
import { expectOpens, open, roundTrip, seal } from '../round-trip.js';

const anyInput = {
  id: 'any-input',
  statement:
    'Any plaintext decrypts to itself under any encryption context, whatever the order of pairs',
  source: kmsApi('Encrypt'),
};

const anyDifference = {
  id: 'any-other-context',
  statement: 'Any two encryption contexts that differ in a pair are different',
  source: kmsGuide('encrypt_context.html'),
};

export const randomInputCases = [
  ...casesOf(anyInput, [
    {
      id: 'RND-001',
      title: 'decrypts what it encrypted, for random plaintexts of every length',
      needs: SYMMETRIC,
      async run(context) {
        const attempt = (plaintext: Uint8Array) => roundTrip(context, { plaintext });
        const plaintexts = anyPlaintext(limitOf(context.provider.capabilities, 'plaintext'));
        await expectAlways(context, plaintexts, attempt, { runs: 60 });
      },
    },
    {
      id: 'RND-002',
      title: 'accepts random contexts of all of Unicode, with their pairs in another order',
      needs: [...SYMMETRIC, 'encryptionContext'],
      async run(context) {
        const shuffled = contextPairs.chain((pairs) =>
          fc.tuple(
            fc.constant(pairs),
            fc.shuffledSubarray(pairs, { minLength: pairs.length, maxLength: pairs.length }),
          ),
        );
        const attempt = async ([made, given]: readonly [Pairs, Pairs]) => {
          const sealed = await seal(context, { encryptionContext: Object.fromEntries(made) });
          const same = { ...sealed, encryptionContext: Object.fromEntries(given) };
          await expectOpens(context.provider, same);
        };
        await expectAlways(context, shuffled, attempt, { runs: 60 });
      },
    },
  ]),
  ...casesOf(anyDifference, [
    {
      id: 'RND-003',
      title: 'rejects a different random context (INVALID_CIPHERTEXT)',
      needs: [...SYMMETRIC, 'encryptionContext'],
      async run(context) {
        // One for all: each error is searched for each secret.
        const plaintext = context.secret();
        const attempt = async ([made, given]: readonly [Pairs, Pairs]) => {
          const encryptionContext = Object.fromEntries(made);
          const sealed = await seal(context, { plaintext, encryptionContext });
          const other = { ...sealed, encryptionContext: Object.fromEntries(given) };
          const call = open(context.provider, other);
          await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        };
        await expectAlways(context, differentPairs, attempt, { runs: 150 });
      },
    },
  ]),
];

type Pairs = readonly (readonly [string, string])[];
