import { type CaseInput, casesOf, kmsApi } from '../case.js';
import { expectError } from '../expect.js';
import { openingUses } from '../operations.js';

const length = {
  id: 'ciphertext-length',
  statement: 'A ciphertext has 1 to 6144 bytes',
  source: kmsApi('Decrypt'),
};

const LENGTHS = [
  ['T', 6145, 'rejects 6145 bytes', 'INVALID_INPUT'],
  ['Z', 0, 'rejects an empty ciphertext', 'INVALID_INPUT'],
  ['L', 6144, 'accepts 6144 bytes, although they do not decrypt', 'INVALID_CIPHERTEXT'],
] as const;

export const ciphertextLengthCases = casesOf(
  length,
  openingUses.flatMap((use) =>
    LENGTHS.map(
      ([letter, size, what, code]): CaseInput => ({
        id: `CLE-${letter}${use.number}`,
        title: `${use.title}: ${what} (${code})`,
        needs: use.needs,
        async run(context) {
          const { keyId } = await context.keys.sealed(use.kind);
          const ciphertext = crypto.getRandomValues(new Uint8Array(size));
          const details = { operation: use.operation, field: 'ciphertext' };
          await expectError(use.call(context, { keyId, ciphertext }), code, details);
        },
      }),
    ),
  ),
);
