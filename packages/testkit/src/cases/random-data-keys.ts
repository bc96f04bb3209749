import {
  type DataKey,
  type GenerateDataKeyInput,
  type KeyWrapProvider,
  LIMITS,
  limitOf,
} from '@keywrap/core';
import { latin1Of } from '../bytes.js';
import { type CaseInput, casesOf } from '../case.js';
import { check, expectBytes, expectLength } from '../expect.js';
import {
  expectRandomBytes,
  expectRandomToTheLastByte,
  expectUnrelated,
  rankOf,
} from '../key-statistics.js';
import { invoke } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { useNumbered } from '../operations.js';
import { sizesUpTo } from '../sizes.js';
import { expectAllDifferent, manyOf } from '../statistics.js';
import { withSteadyClock } from '../steady-clock.js';

const random = {
  id: 'random-data-keys',
  statement:
    'Every bit of a data key is random and independent: of other keys, instances, restarts, and calls at the same time',
  source: 'NIST SP 800-133 revision 2 section 4',
  power:
    'Full finds always: a bit that is set in 65 % of the keys (soak: 54 %), a byte value that is missing or twice as frequent, bytes in common with another key, linear generators of up to 240 bits of state such as Math.random. Seeds of 16 bits with 99.9 % by full, of 24 bits with 99.9 % by soak. Always: a byte of a size that was tried (each to 65, next to powers of two, every 16th; all in soak) that is constant or repeats an earlier one; 6 known bits or 7 shared bytes in the first key after opening or a restart. Also what is made of the clock or of Math.random alone. Not found: a good generator with another seed of 32 bits or more.',
};

type Size = { readonly numberOfBytes: number } | { readonly keySpec: 'AES_256' | 'AES_128' };

/** Both operations that make data keys; without the plaintext, it is known by decrypting. */
const MAKERS = [
  ['1', 'generateDataKey'],
  ['2', 'generateDataKeyWithoutPlaintext'],
] as const;

type Maker = (typeof MAKERS)[number][1];

async function make(
  operation: Maker,
  { provider }: { readonly provider: KeyWrapProvider },
  keyId: string,
  size: Size,
): Promise<Uint8Array> {
  const input = { keyId, ...size } as GenerateDataKeyInput;
  if (operation === 'generateDataKey') return (await provider.generateDataKey(input)).plaintext;
  const { ciphertext } = await provider.generateDataKeyWithoutPlaintext(input);
  return (await provider.decrypt({ keyId, ciphertext })).plaintext;
}

/** Sizes that may be made in their own way, and how many times fewer keys, as a power of two, are looked at. */
const LOOKED_AT: readonly (readonly [Size, number])[] = [
  [{ keySpec: 'AES_256' }, 0],
  [{ keySpec: 'AES_128' }, 2],
  ...[24, 32, 48, 64].map((numberOfBytes) => [{ numberOfBytes }, 3] as const),
];

/** Keys of one length: a byte is the same in eight by chance once in 2^56. */
const ALIKE = 8;

/** What is the same in 16 instances is not random. */
const INSTANCES = 16;

/** Returns the length in bytes of the longest data key. */
const largest = ({ capabilities }: KeyWrapProvider) =>
  Math.min(LIMITS.dataKey, limitOf(capabilities, 'plaintext'));

const fits = (size: Size, provider: KeyWrapProvider) =>
  'keySpec' in size || size.numberOfBytes <= largest(provider);

interface Instance {
  readonly provider: KeyWrapProvider;
  readonly keyId: string;
  close(): Promise<void>;
}

/** Fails the case when the first keys of several instances, made at the same moment, have something in common. */
async function expectFirstsUnrelated(
  operation: Maker,
  openAnother: () => Promise<Instance>,
): Promise<void> {
  const firsts: Uint8Array[][] = LOOKED_AT.map(() => []);
  for (let i = 0; i < INSTANCES; i++) {
    const instance = await openAnother();
    await withSteadyClock(async () => {
      for (const [j, [size]] of LOOKED_AT.entries()) {
        if (!fits(size, instance.provider)) continue;
        const key = await make(operation, instance, instance.keyId, size);
        firsts[j]?.push(key.slice(0, 32));
      }
    });
    await instance.close();
  }
  for (const keys of firsts) expectUnrelated(keys, 'first data keys');
}

export const randomDataKeyCases = casesOf(
  random,
  [
    ...MAKERS.flatMap(([number, operation]): CaseInput[] => [
      {
        id: `RAN-10${number}`,
        title: `${operation}: 1,000 keys (soak: 16,000), and fewer of other sizes, look like random bytes`,
        profile: 'full',
        async run(context) {
          const keyId = await context.keys.get();
          const count = context.profile === 'soak' ? 16_000 : 1000;
          for (const [size, share] of LOOKED_AT) {
            if (!fits(size, context.provider)) continue;
            const keys = await manyOf(count >> share, () => make(operation, context, keyId, size));
            expectRandomBytes(keys);
          }
        },
      },
      {
        id: `RAN-20${number}`,
        title: `${operation}: 64 keys of 1024 bytes, or of the most, look like random bytes`,
        profile: 'full',
        async run(context) {
          const keyId = await context.keys.get();
          const numberOfBytes = largest(context.provider);
          const count = Math.ceil((64 * LIMITS.dataKey) / numberOfBytes);
          const size = { numberOfBytes };
          expectRandomBytes(await manyOf(count, () => make(operation, context, keyId, size)));
        },
      },
      {
        id: `RAN-30${number}`,
        title: `${operation}: 256 keys of 64 bytes are linearly independent`,
        profile: 'full',
        async run(context) {
          const keyId = await context.keys.get();
          const size = { numberOfBytes: 64 };
          const rank = rankOf(await manyOf(256, () => make(operation, context, keyId, size)));
          // 256 random rows of 512 bits are dependent once in 2^256.
          check(rank === 256, 'a rank of 256', `a rank of ${rank}: a linear generator`);
        },
      },
      {
        id: `RAN-40${number}`,
        title: `${operation}: generates and wraps keys of every size from 1 to 1024 bytes, or to the most, each byte random`,
        profile: 'full',
        async run(context) {
          const { provider } = context;
          const keyId = await context.keys.get();
          const lengths = sizesUpTo(largest(provider), context, { full: 16, soak: 1 });
          const sizes: Size[] = lengths.map((numberOfBytes) => ({ numberOfBytes }));
          sizes.push({ keySpec: 'AES_128' });
          const made = await manyOf(ALIKE * sizes.length, async (index) => {
            const size = sizes[Math.floor(index / ALIKE)] as Size;
            // Decrypting tells whether it is wrapped as it is; one of a size is enough.
            if (operation === 'generateDataKey' && index % ALIKE > 0) {
              return make(operation, context, keyId, size);
            }
            const result = await provider[operation]({ keyId, ...size } as GenerateDataKeyInput);
            const opened = await provider.decrypt({ keyId, ciphertext: result.ciphertext });
            const length = 'keySpec' in size ? 16 : size.numberOfBytes;
            expectLength(opened.plaintext, length, 'a data key');
            const { plaintext } = result as Partial<DataKey>;
            if (plaintext !== undefined) expectBytes(opened.plaintext, plaintext, 'the data key');
            return opened.plaintext;
          });
          for (let first = 0; first < made.length; first += ALIKE) {
            expectRandomToTheLastByte(made.slice(first, first + ALIKE));
          }
        },
      },
      {
        id: `RAN-80${number}`,
        title: `${operation}: the first keys of ${INSTANCES} instances are random, also at the same moment`,
        profile: 'full',
        alone: true,
        async run({ open }) {
          await expectFirstsUnrelated(operation, async () => {
            const opened = await open();
            return { ...opened, keyId: await opened.keys.get() };
          });
        },
      },
      {
        id: `RAN-90${number}`,
        title: `${operation}: the first keys after ${INSTANCES} restarts are random, also at the same moment`,
        alone: true,
        needs: ['reopen'],
        profile: 'full',
        async run({ keys, reopen }) {
          const keyId = await keys.get();
          await expectFirstsUnrelated(operation, async () => {
            const provider = await withSteadyClock(reopen);
            return { provider, keyId, close: () => provider.close() };
          });
        },
      },
      {
        id: `RAN-50${number}`,
        title: `${operation}: three instances at once, and six new keys, make other data keys`,
        profile: 'full',
        async run(context) {
          const size = { keySpec: 'AES_256' } as const;
          const keyId = await context.keys.get();
          const made = [await manyOf(16, () => make(operation, context, keyId, size))];
          // What is derived from a count for each key is the same under all of them.
          for (let i = 0; i < 6; i++) {
            const another = await context.keys.create();
            made.push(await manyOf(4, () => make(operation, context, another, size)));
          }
          for (let i = 0; i < 2; i++) {
            const other = await context.open();
            const otherId = await other.keys.get();
            made.push(await manyOf(16, () => make(operation, other, otherId, size)));
          }
          expectAllDifferent(made.flat(), 'data keys');
        },
      },
      {
        id: `RAN-70${number}`,
        title: `${operation}: makes other keys after a restart`,
        needs: ['reopen'],
        profile: 'full',
        async run(context) {
          const keyId = await context.keys.get();
          const made: Uint8Array[] = [];
          for (let restarts = 0; restarts < 3; restarts++) {
            const provider = await context.reopen();
            const size = { keySpec: 'AES_256' } as const;
            made.push(...(await manyOf(16, () => make(operation, { provider }, keyId, size))));
            await provider.close();
          }
          expectAllDifferent(made, 'data keys');
        },
      },
    ]),
    ...(['11', '12', '13', '14'] as const).map((number): CaseInput => {
      const use = useNumbered(number);
      return {
        id: `RAN-6${number}`,
        title: `${use.title}: 32 equal calls at once make 32 different keys`,
        needs: use.needs,
        async run(context) {
          const keyId = await context.keys.get();
          const input = await use.input(context, { keyId });
          const results = await manyOf(32, () => invoke(context.provider, use, input));
          for (const name of use.returns) {
            const { size } = new Set(results.map((result) => latin1Of(result[name] as Uint8Array)));
            check(size === 32, `32 different values of ${name}`, `${size} different ones`);
          }
        },
      };
    }),
  ],
  [...SYMMETRIC, 'dataKeys'],
);
