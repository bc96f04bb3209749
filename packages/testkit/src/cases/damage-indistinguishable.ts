import type { KeyWrapError } from '@keywrap/core';
import { expectAlike } from '../alike.js';
import { type CaseInput, casesOf } from '../case.js';
import { flip, oneOfEach } from '../damage.js';
import { expectError } from '../expect.js';
import { SYMMETRIC } from '../needs.js';
import { damageCodes, errorDetails, openingUses } from '../operations.js';
import { open, seal } from '../round-trip.js';

const alike = {
  id: 'damage-indistinguishable',
  statement: 'Every failure to decrypt a ciphertext has the same error, whatever the reason',
  source: 'RFC 8017 section 7.1.2, the note on error messages (Manger 2001)',
};

export const indistinguishableCases = [
  ...casesOf(
    alike,
    openingUses.map(
      (use): CaseInput => ({
        id: `ALK-0${use.number}`,
        title: `${use.title}: has the same error whatever the damage`,
        needs: use.needs,
        async run(context) {
          const key = await context.keys.sealed(use.kind);
          const [first = key.ciphertext, ...others] = oneOfEach(
            key.ciphertext,
            use,
            context.provider,
          );
          const errors: KeyWrapError[] = [];
          for (const ciphertext of [first, ...others, first]) {
            const call = use.call(context, { ...key, ciphertext });
            const details = errorDetails(use, key.keyId);
            errors.push(await expectError(call, damageCodes(use), details));
          }
          for (const code of damageCodes(use)) {
            expectAlike(errors.filter((error) => error.code === code));
          }
        },
      }),
    ),
  ),
  ...casesOf(alike, [
    {
      id: 'ALK-101',
      title: 'decrypt has the same error for another encryption context as for damage',
      needs: [...SYMMETRIC, 'encryptionContext'],
      async run(context) {
        const sealed = await seal(context, { encryptionContext: { tenant: 'a' } });
        const { keyId, ciphertext } = sealed;
        const wrong = { keyId, ciphertext, encryptionContext: { tenant: 'b' } };
        const calls = [
          wrong,
          { keyId, ciphertext },
          { ...sealed, ciphertext: flip(ciphertext) },
          { ...sealed, ciphertext: new Uint8Array(1) },
          wrong,
        ].map((each) => open(context.provider, each));
        const details = { operation: 'decrypt' };
        const errors = await Promise.all(
          calls.map((call) => expectError(call, 'INVALID_CIPHERTEXT', details)),
        );
        expectAlike(errors);
      },
    },
  ]),
];
