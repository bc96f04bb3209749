import { limitOf } from '@keywrap/core';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check, expectError, expectKeyArn, sameBytes } from '../expect.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { allUses, keyFor, sealBy, sealingUses } from '../operations.js';
import { expectOpens, type Known, keyOf, open, seal } from '../round-trip.js';

const concurrency = {
  id: 'concurrency',
  statement: 'Concurrent calls do not mix: each gets the result of its own input',
  source: CONTRACT,
};

const CALLS = 32;
const FEW = 8;

/** Runs this many concurrent calls, each with its own key and plaintext. */
async function together<T>(
  { provider, keys, secret }: CaseContext,
  work: (key: { keyId: string; plaintext: Uint8Array }, index: number) => Promise<T>,
): Promise<T[]> {
  const ids = [await keys.get(), await keys.get('SYMMETRIC_DEFAULT', 1)];
  const spread = Math.min(2000, limitOf(provider.capabilities, 'plaintext') - 16);
  // Different lengths, so that some calls overtake others.
  const jobs = Array.from({ length: CALLS }, (_, i) =>
    work({ keyId: ids[i % 2] as string, plaintext: secret(16 + ((i * 37) % spread)) }, i),
  );
  return Promise.all(jobs);
}

/** Decrypts all concurrently. */
async function expectAllOpen({ provider }: CaseContext, all: readonly Known[]): Promise<void> {
  const opening = all.map(async (sealed) => {
    const result = await expectOpens(provider, sealed, 'the plaintext of this call');
    expectKeyArn(result.keyId, sealed.keyId);
  });
  await Promise.all(opening);
}

export const concurrencyCases = casesOf(concurrency, [
  {
    id: 'CON-001',
    title: `encrypts and decrypts ${CALLS} different plaintexts at once, under two keys`,
    needs: SYMMETRIC,
    async run(context) {
      const sealed = await together(context, async (key) => {
        const result = await context.provider.encrypt(key);
        expectKeyArn(result.keyId, key.keyId);
        return { ...key, ciphertext: result.ciphertext };
      });
      await expectAllOpen(context, sealed);
    },
  },
  {
    id: 'CON-002',
    title: `binds ${CALLS} ciphertexts at once, each to its own encryption context`,
    needs: [...SYMMETRIC, 'encryptionContext'],
    async run(context) {
      const sealed = await together(context, (key, i) =>
        seal(context, { ...key, encryptionContext: { call: `${i}` } }),
      );
      await expectAllOpen(context, sealed);
    },
  },
  {
    id: 'CON-003',
    title: 'fails only the wrong calls among concurrent ones',
    needs: SYMMETRIC,
    async run(context) {
      const { provider } = context;
      await together(context, async (key, i) => {
        const sealed = await seal(context, key);
        if (i % 2 === 0) {
          await expectOpens(provider, sealed, 'the plaintext of this call');
          return;
        }
        const call = open(provider, { ...sealed, ciphertext: flip(sealed.ciphertext) });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
      });
    },
  },
  {
    id: 'CON-004',
    title: `generates ${CALLS} data keys at once, each wrapped in its own ciphertext`,
    needs: [...SYMMETRIC, 'dataKeys', 'dataKeysUnder:SYMMETRIC_DEFAULT'],
    async run(context) {
      const { provider } = context;
      const made = await together(context, async ({ keyId }, i) => {
        const numberOfBytes = 16 + i;
        const dataKey = await provider.generateDataKey({ keyId, numberOfBytes });
        const { length } = dataKey.plaintext;
        check(length === numberOfBytes, `${numberOfBytes} bytes`, `${length} bytes`);
        expectKeyArn(dataKey.keyId, keyId);
        return dataKey;
      });
      for (const { keyId, plaintext, ciphertext } of made) {
        await expectOpens(provider, { keyId, plaintext, ciphertext }, 'the data key');
      }
    },
  },
  {
    id: 'CON-005',
    title: `re-encrypts ${CALLS} ciphertexts at once, each to the other key`,
    needs: SYMMETRIC,
    async run(context) {
      const { provider, keys } = context;
      const [one, two] = [await keys.get(), await keys.get('SYMMETRIC_DEFAULT', 1)];
      const sealed = await together(context, (key) => seal(context, key));
      const moved = sealed.map(async ({ keyId, plaintext, ciphertext }) => {
        const destination = { keyId: keyId === one ? two : one };
        const result = await provider.reEncrypt({ ciphertext, source: { keyId }, destination });
        expectKeyArn(result.sourceKeyId, keyId, 'sourceKeyId');
        expectKeyArn(result.destinationKeyId, destination.keyId, 'destinationKeyId');
        return { ...destination, plaintext, ciphertext: result.ciphertext };
      });
      await expectAllOpen(context, await Promise.all(moved));
    },
  },
  ...allUses.map(
    (use): CaseInput => ({
      id: `CON-1${use.number}`,
      title: `${use.title}: ${FEW} calls at once, each with its own key`,
      needs: use.needs,
      async run(context) {
        const { keys } = context;
        const two = [await keyFor(use, keys), await keyFor(use, keys, 1)] as const;
        const calls = Array.from({ length: FEW }, async (_, i) => {
          const key = two[i % 2 === 0 ? 0 : 1];
          expectKeyArn(await use.call(context, key), key.keyId);
        });
        await Promise.all(calls);
      },
    }),
  ),
  ...sealingUses.map(
    (use): CaseInput => ({
      id: `CON-20${use.number}`,
      title: `${use.title}: ${FEW} calls at once, each bound to its own encryption context`,
      needs: [...use.needs, 'encryptionContext'],
      async run(context) {
        const keyId = await context.keys.get();
        const calls = Array.from({ length: FEW }, async (_, i) => {
          const bound = { keyId, encryptionContext: { call: `${i}` } };
          const ciphertext = await sealBy(use, context, bound);
          await open(context.provider, { ...bound, ciphertext });
        });
        await Promise.all(calls);
      },
    }),
  ),
  {
    id: 'CON-006',
    title: 'decrypts 8 RSA ciphertexts of two keys at once',
    needs: RSA,
    async run(context) {
      const two = [await keyOf(context, 'RSA_2048'), await keyOf(context, 'RSA_2048', 1)] as const;
      const jobs = Array.from({ length: 8 }, (_, i) =>
        seal(context, { ...two[i % 2 === 0 ? 0 : 1], plaintext: context.secret(16 + i) }),
      );
      const all = await Promise.all(jobs);
      await expectAllOpen(context, all);
      const [first, ...others] = all.map(({ ciphertext }) => ciphertext);
      const isAlone = others.every((other) => !sameBytes(other, first as Uint8Array));
      check(isAlone, 'eight different ciphertexts', 'the same one twice');
    },
  },
]);
