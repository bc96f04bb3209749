import { LIMITS } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import { expectError } from '../expect.js';
import { type KeyUse, openingUses } from '../key-uses.js';

const length = {
  id: 'ciphertext-length',
  statement: 'A ciphertext has 1 to 6144 bytes',
  source: kmsApi('Decrypt'),
};

export const ciphertextLengthCases = casesOf(
  length,
  openingUses.flatMap((use): CaseInput[] => [
    {
      id: `CLE-T${use.number}`,
      title: `${use.title}: refuses 6145 bytes (INVALID_INPUT)`,
      needs: use.needs,
      run: (context) => expectInvalid(use, context, LIMITS.ciphertext + 1),
    },
    {
      id: `CLE-Z${use.number}`,
      title: `${use.title}: refuses an empty ciphertext (INVALID_INPUT)`,
      needs: use.needs,
      run: (context) => expectInvalid(use, context, 0),
    },
    {
      id: `CLE-L${use.number}`,
      title: `${use.title}: takes 6144 bytes, although they do not open (INVALID_CIPHERTEXT)`,
      needs: use.needs,
      async run(context) {
        const { keyId } = await context.keys.sealed(use.kind);
        const ciphertext = crypto.getRandomValues(new Uint8Array(LIMITS.ciphertext));
        const { operation } = use;
        const call = use.call(context, { keyId, ciphertext });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation });
      },
    },
  ]),
);

async function expectInvalid(use: KeyUse, context: CaseContext, size: number): Promise<void> {
  const { keyId } = await context.keys.sealed(use.kind);
  const ciphertext = crypto.getRandomValues(new Uint8Array(size));
  const details = { operation: use.operation, field: 'ciphertext' };
  await expectError(use.call(context, { keyId, ciphertext }), 'INVALID_INPUT', details);
}
