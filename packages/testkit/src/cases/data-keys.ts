import type { DataKeySpec, KeyWrapProvider } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectBytes, expectError, expectKeyArn, sameBytes } from '../expect.js';
import { leakInResult } from '../leaks.js';

const generates = {
  id: 'data-key',
  statement:
    'A data key is AES_256, AES_128 or 1 to 1024 bytes, random, and its ciphertext opens to it',
  source: kmsApi('GenerateDataKey'),
};

const wrappedOnly = {
  id: 'data-key-without-plaintext',
  statement:
    'generateDataKeyWithoutPlaintext gives a wrapped data key and nothing of its plaintext',
  source: kmsApi('GenerateDataKeyWithoutPlaintext'),
};

const needs = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT', 'dataKeys'] as const;

type Size = { readonly keySpec: DataKeySpec } | { readonly numberOfBytes: number };

const SIZES: readonly [string, string, Size, number][] = [
  ['1', 'AES_256', { keySpec: 'AES_256' }, 32],
  ['2', 'AES_128', { keySpec: 'AES_128' }, 16],
  ['3', '1 byte', { numberOfBytes: 1 }, 1],
  ['4', '24 bytes', { numberOfBytes: 24 }, 24],
  ['5', '64 bytes', { numberOfBytes: 64 }, 64],
  ['6', '1023 bytes', { numberOfBytes: 1023 }, 1023],
  ['7', '1024 bytes', { numberOfBytes: 1024 }, 1024],
];

const OPERATIONS = ['generateDataKey', 'generateDataKeyWithoutPlaintext'] as const;

/** Both operations with 32 bytes, the second one's key unwrapped. */
const RANDOM = {
  generateDataKey: async (provider: KeyWrapProvider, keyId: string) =>
    (await provider.generateDataKey({ keyId, keySpec: 'AES_256' })).plaintext,
  generateDataKeyWithoutPlaintext: async (provider: KeyWrapProvider, keyId: string) => {
    const input = { keyId, keySpec: 'AES_256' } as const;
    const { ciphertext } = await provider.generateDataKeyWithoutPlaintext(input);
    return (await provider.decrypt({ keyId, ciphertext })).plaintext;
  },
};

/** Among 32 random values of a byte all are the same once in 256^31: then it is no random byte. */
async function expectRandom(generate: () => Promise<Uint8Array>): Promise<void> {
  const generated: Uint8Array[] = [];
  for (let i = 0; i < 32; i++) {
    const key = await generate();
    check(
      !generated.some((other) => sameBytes(other, key)),
      'a data key that was not there before',
      `number ${i + 1} the same as an earlier one`,
    );
    generated.push(key);
  }
  for (let position = 0; position < 32; position++) {
    const values = new Set(generated.map((key) => key[position]));
    check(
      values.size > 1,
      'data keys that are random in every byte',
      `byte ${position} the same in 32 of them`,
    );
  }
  // 1024 random bytes have some 251 different values; text, or digits, at most 128.
  const values = new Set(generated.flatMap((key) => [...key]));
  check(values.size > 192, 'bytes of every value', `${values.size} different values in 1024 bytes`);
}

/** Eight random bytes are there twice once in 2^64: a key that repeats itself is padded or stretched. */
function expectNoRepetition(key: Uint8Array): void {
  const blocks = Array.from({ length: key.length >> 3 }, (_, i) =>
    key.subarray(8 * i, 8 * i + 8).join(),
  );
  const isNew = new Set(blocks).size === blocks.length;
  check(isNew, 'a data key without repetition', 'one whose bytes come again');
}

function refusals(operation: (typeof OPERATIONS)[number], first: number): CaseInput[] {
  return [0, 1025, -1, 1.5, Number.NaN].map(
    (numberOfBytes, i): CaseInput => ({
      id: `DKY-${first + i}`,
      title: `${operation} refuses ${numberOfBytes} bytes (INVALID_INPUT)`,
      needs,
      async run({ provider, keys }) {
        const call = provider[operation]({ keyId: await keys.get(), numberOfBytes });
        await expectError(call, 'INVALID_INPUT', { operation, field: 'numberOfBytes' });
      },
    }),
  );
}

export const dataKeyCases = [
  ...casesOf(generates, [
    ...SIZES.map(
      ([number, title, size, length]): CaseInput => ({
        id: `DKY-00${number}`,
        title: `generates a data key of ${title}, and wraps exactly it`,
        needs,
        async run({ provider, keys }) {
          const keyId = await keys.get();
          const dataKey = await provider.generateDataKey({ keyId, ...size });
          check(
            dataKey.plaintext.length === length,
            `a data key of ${length} bytes`,
            `${dataKey.plaintext.length} bytes`,
          );
          const opened = await provider.decrypt({ keyId, ciphertext: dataKey.ciphertext });
          expectBytes(opened.plaintext, dataKey.plaintext, 'the data key in the ciphertext');
          expectNoRepetition(dataKey.plaintext);
        },
      }),
    ),
    {
      id: 'DKY-008',
      title: 'generates random data keys: none twice, no byte fixed',
      needs,
      async run({ provider, keys }) {
        const keyId = await keys.get();
        await expectRandom(() => RANDOM.generateDataKey(provider, keyId));
      },
    },
    {
      id: 'DKY-010',
      title: 'does not show the data key in the ciphertext',
      needs,
      async run({ provider, keys }) {
        const keyId = await keys.get();
        const { plaintext, ciphertext } = await provider.generateDataKey({
          keyId,
          keySpec: 'AES_256',
        });
        check(
          !Buffer.from(ciphertext).includes(Buffer.from(plaintext.subarray(0, 8))),
          'a wrapped data key',
          'a ciphertext with the data key in it',
        );
      },
    },
    ...refusals('generateDataKey', 101),
  ]),
  ...casesOf(wrappedOnly, [
    ...SIZES.map(
      ([number, title, size, length]): CaseInput => ({
        id: `DKW-00${number}`,
        title: `wraps a data key of ${title}`,
        needs,
        async run({ provider, keys }) {
          const keyId = await keys.get();
          const wrapped = await provider.generateDataKeyWithoutPlaintext({ keyId, ...size });
          const opened = await provider.decrypt({ keyId, ciphertext: wrapped.ciphertext });
          check(
            opened.plaintext.length === length,
            `a data key of ${length} bytes`,
            `${opened.plaintext.length} bytes`,
          );
          expectNoRepetition(opened.plaintext);
        },
      }),
    ),
    {
      id: 'DKW-008',
      title: 'wraps random data keys: none twice, no byte fixed',
      needs,
      async run({ provider, keys }) {
        const keyId = await keys.get();
        await expectRandom(() => RANDOM.generateDataKeyWithoutPlaintext(provider, keyId));
      },
    },
    {
      id: 'DKW-009',
      title: 'has no plaintext in its result, and names the key ARN',
      needs,
      async run({ provider, keys }) {
        const keyId = await keys.get();
        const input = { keyId, keySpec: 'AES_256' } as const;
        const wrapped = await provider.generateDataKeyWithoutPlaintext(input);
        expectKeyArn(wrapped.keyId, keyId);
        check(!('plaintext' in wrapped), 'a result without a plaintext', 'one that has it');
        const { plaintext } = await provider.decrypt({ keyId, ciphertext: wrapped.ciphertext });
        const where = leakInResult(wrapped, [plaintext]);
        check(where === undefined, 'a result without the data key', `one that shows it ${where}`);
      },
    },
    ...refusals('generateDataKeyWithoutPlaintext', 201).map((each) => ({
      ...each,
      id: each.id.replace('DKY', 'DKW'),
    })),
  ]),
];
