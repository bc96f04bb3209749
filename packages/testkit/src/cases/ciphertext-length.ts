import { limitOf } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi } from '../case.js';
import { expectError } from '../expect.js';
import { damageCodes, openingUses } from '../operations.js';

const length = {
  id: 'ciphertext-length',
  statement: 'A ciphertext has 1 to 6144 bytes, or fewer where capabilities.limits say so',
  source: kmsApi('Decrypt'),
};

const LENGTHS = [
  ['T', (limit: number) => limit + 1, 'rejects one byte more than the limit', 'INVALID_INPUT'],
  ['Z', () => 0, 'rejects an empty ciphertext', 'INVALID_INPUT'],
  [
    'L',
    (limit: number) => limit,
    'accepts the longest ciphertext, although it does not decrypt',
    'INVALID_CIPHERTEXT',
  ],
] as const;

export const ciphertextLengthCases = casesOf(
  length,
  openingUses.flatMap((use) =>
    LENGTHS.map(
      ([letter, sizeOf, what, code]): CaseInput => ({
        id: `CLE-${letter}${use.number}`,
        title: `${use.title}: ${what} (${code})`,
        needs: use.needs,
        async run(context) {
          const { keyId } = await context.keys.sealed(use.kind);
          const size = sizeOf(limitOf(context.provider.capabilities, 'ciphertext'));
          const ciphertext = crypto.getRandomValues(new Uint8Array(size));
          const details = { operation: use.operation, field: 'ciphertext' };
          const codes = code === 'INVALID_CIPHERTEXT' ? damageCodes(use) : code;
          await expectError(use.call(context, { keyId, ciphertext }), codes, details);
        },
      }),
    ),
  ),
);
