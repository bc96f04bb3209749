import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectBytes, expectError, expectKeyArn, sameBytes } from '../expect.js';
import { allUses, keyFor } from '../key-uses.js';
import { sealingCalls } from '../sealing-calls.js';

const concurrency = {
  id: 'concurrency',
  statement: 'Calls at the same time do not mix: each gets the result of its own input',
  source: CONTRACT,
};

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;
const CALLS = 32;
const FEW = 8;

/** As many things at the same time, each with a key and a plaintext of its own. */
async function together<T>(
  { keys, secret }: CaseContext,
  work: (keyId: string, plaintext: Uint8Array, index: number) => Promise<T>,
): Promise<T[]> {
  const ids = [await keys.get(), await keys.get('SYMMETRIC_DEFAULT', 1)];
  // Different lengths, so that some calls overtake others.
  const jobs = Array.from({ length: CALLS }, (_, i) =>
    work(ids[i % 2] as string, secret(16 + ((i * 37) % 2000)), i),
  );
  return Promise.all(jobs);
}

export const concurrencyCases = casesOf(concurrency, [
  {
    id: 'CON-001',
    title: `encrypts and decrypts ${CALLS} different plaintexts at once, under two keys`,
    needs: symmetric,
    async run(context) {
      const { provider } = context;
      const sealed = await together(context, async (keyId, plaintext) => {
        const result = await provider.encrypt({ keyId, plaintext });
        expectKeyArn(result.keyId, keyId);
        return { keyId, plaintext, ciphertext: result.ciphertext };
      });
      await Promise.all(
        sealed.map(async ({ keyId, plaintext, ciphertext }) => {
          const result = await provider.decrypt({ keyId, ciphertext });
          expectKeyArn(result.keyId, keyId);
          expectBytes(result.plaintext, plaintext, 'the plaintext of this call');
        }),
      );
    },
  },
  {
    id: 'CON-002',
    title: `binds ${CALLS} ciphertexts at once, each to its own encryption context`,
    needs: [...symmetric, 'encryptionContext'],
    async run(context) {
      const { provider } = context;
      const sealed = await together(context, async (keyId, plaintext, i) => {
        const encryptionContext = { call: `${i}` };
        const { ciphertext } = await provider.encrypt({ keyId, plaintext, encryptionContext });
        return { keyId, plaintext, encryptionContext, ciphertext };
      });
      await Promise.all(
        sealed.map(async ({ keyId, plaintext, encryptionContext, ciphertext }) => {
          const result = await provider.decrypt({ keyId, encryptionContext, ciphertext });
          expectBytes(result.plaintext, plaintext, 'the plaintext of this call');
        }),
      );
    },
  },
  {
    id: 'CON-003',
    title: 'fails the calls that are wrong and no other, all at once',
    needs: symmetric,
    async run(context) {
      const { provider } = context;
      await together(context, async (keyId, plaintext, i) => {
        const { ciphertext } = await provider.encrypt({ keyId, plaintext });
        if (i % 2 === 0) {
          const result = await provider.decrypt({ keyId, ciphertext });
          expectBytes(result.plaintext, plaintext, 'the plaintext of this call');
          return;
        }
        const damaged = ciphertext.slice();
        damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
        const call = provider.decrypt({ keyId, ciphertext: damaged });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
      });
    },
  },
  {
    id: 'CON-004',
    title: `generates ${CALLS} data keys at once, each wrapped in its own ciphertext`,
    needs: [...symmetric, 'dataKeys'],
    async run(context) {
      const { provider } = context;
      const made = await together(context, async (keyId, _plaintext, i) => {
        const numberOfBytes = 16 + i;
        const dataKey = await provider.generateDataKey({ keyId, numberOfBytes });
        const { length } = dataKey.plaintext;
        check(length === numberOfBytes, `${numberOfBytes} bytes`, `${length} bytes`);
        expectKeyArn(dataKey.keyId, keyId);
        return dataKey;
      });
      for (const { keyId, plaintext, ciphertext } of made) {
        const result = await provider.decrypt({ keyId, ciphertext });
        expectBytes(result.plaintext, plaintext, 'the data key in its ciphertext');
      }
    },
  },
  {
    id: 'CON-005',
    title: `re-encrypts ${CALLS} ciphertexts at once, each to the other key`,
    needs: symmetric,
    async run(context) {
      const { provider, keys } = context;
      const [one, two] = [await keys.get(), await keys.get('SYMMETRIC_DEFAULT', 1)];
      const sealed = await together(context, async (keyId, plaintext) => {
        const { ciphertext } = await provider.encrypt({ keyId, plaintext });
        return { keyId, plaintext, ciphertext };
      });
      await Promise.all(
        sealed.map(async ({ keyId, plaintext, ciphertext }) => {
          const destination = { keyId: keyId === one ? two : one };
          const moved = await provider.reEncrypt({ ciphertext, source: { keyId }, destination });
          expectKeyArn(moved.sourceKeyId, keyId, 'sourceKeyId');
          expectKeyArn(moved.destinationKeyId, destination.keyId, 'destinationKeyId');
          const result = await provider.decrypt({ ...destination, ciphertext: moved.ciphertext });
          expectBytes(result.plaintext, plaintext, 'the plaintext of this call');
        }),
      );
    },
  },
  ...allUses.map(
    (use): CaseInput => ({
      id: `CON-1${use.number}`,
      title: `${use.title}: ${FEW} calls at once, each with the key that it was given`,
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
  ...sealingCalls.map(
    (call): CaseInput => ({
      id: `CON-20${call.number}`,
      title: `${call.title}: ${FEW} calls at once, each bound to its own encryption context`,
      needs: [...symmetric, 'encryptionContext', ...call.needs],
      async run(context) {
        const { provider, keys } = context;
        const keyId = await keys.get();
        const calls = Array.from({ length: FEW }, async (_, i) => {
          const bound = { keyId, encryptionContext: { call: `${i}` } };
          const seal = await call.prepare(context, { ...bound });
          await provider.decrypt({ ...bound, ciphertext: await seal() });
        });
        await Promise.all(calls);
      },
    }),
  ),
  {
    id: 'CON-006',
    title: 'opens 8 RSA ciphertexts at once, of two keys',
    needs: ['asymmetric', 'key:RSA_2048'],
    async run({ provider, keys, secret }) {
      const algorithm = keys.rsaAlgorithm;
      const ids = [await keys.get('RSA_2048'), await keys.get('RSA_2048', 1)];
      const jobs = Array.from({ length: 8 }, async (_, i) => {
        const keyId = ids[i % 2] as string;
        const plaintext = secret(16 + i);
        const { ciphertext } = await provider.encrypt({ keyId, plaintext, algorithm });
        const result = await provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
        expectKeyArn(result.keyId, keyId);
        expectBytes(result.plaintext, plaintext, 'the plaintext of this call');
        return ciphertext;
      });
      const [first, ...others] = await Promise.all(jobs);
      const isAlone = others.every((other) => !sameBytes(other, first as Uint8Array));
      check(isAlone, 'eight different ciphertexts', 'the same one twice');
    },
  },
]);
