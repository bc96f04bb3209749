import type { DataKeySpec, KeyWrapProvider } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectError, expectKeyArn, expectLength, sameBytes } from '../expect.js';
import { expectHidden } from '../leaks.js';
import { SYMMETRIC } from '../needs.js';
import { expectOpens } from '../round-trip.js';

const generates = {
  id: 'data-key',
  statement:
    'A data key is AES_256, AES_128 or 1 to 1024 bytes, random, and its ciphertext decrypts to it',
  source: kmsApi('GenerateDataKey'),
};

const wrappedOnly = {
  id: 'data-key-without-plaintext',
  statement: 'generateDataKeyWithoutPlaintext returns a wrapped data key without its plaintext',
  source: kmsApi('GenerateDataKeyWithoutPlaintext'),
};

const needs = [...SYMMETRIC, 'dataKeys'] as const;

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

const RANDOM = { keySpec: 'AES_256' } as const;

/** A byte that is the same in 32 keys is not random: that happens by chance once in 256^31. */
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

/** A key that repeats eight bytes is padded or stretched: by chance, that happens once in 2^64. */
function expectNoRepetition(key: Uint8Array): void {
  const blocks = Array.from({ length: key.length >> 3 }, (_, i) =>
    key.subarray(8 * i, 8 * i + 8).join(),
  );
  const isNew = new Set(blocks).size === blocks.length;
  check(isNew, 'a data key without repetition', 'one whose bytes come again');
}

/** Makes cases for the rejected sizes, with ids from `first` on. */
function rejections(
  operation: 'generateDataKey' | 'generateDataKeyWithoutPlaintext',
  letters: string,
  first: number,
): CaseInput[] {
  return [0, 1025, -1, 1.5, Number.NaN].map(
    (numberOfBytes, i): CaseInput => ({
      id: `${letters}-${first + i}`,
      title: `${operation} rejects ${numberOfBytes} bytes (INVALID_INPUT)`,
      async run({ provider, keys }) {
        const call = provider[operation]({ keyId: await keys.get(), numberOfBytes });
        await expectError(call, 'INVALID_INPUT', { operation, field: 'numberOfBytes' });
      },
    }),
  );
}

/** Generates a data key without plaintext, and decrypts its ciphertext. */
async function unwrapped(
  provider: KeyWrapProvider,
  input: { readonly keyId: string } & Size,
): Promise<Uint8Array> {
  const { ciphertext } = await provider.generateDataKeyWithoutPlaintext(input);
  return (await provider.decrypt({ keyId: input.keyId, ciphertext })).plaintext;
}

export const dataKeyCases = [
  ...casesOf(
    generates,
    [
      ...SIZES.map(
        ([number, title, size, length]): CaseInput => ({
          id: `DKY-00${number}`,
          title: `generates a data key of ${title}, and wraps exactly it`,
          async run({ provider, keys }) {
            const keyId = await keys.get();
            const { plaintext, ciphertext } = await provider.generateDataKey({ keyId, ...size });
            expectLength(plaintext, length, 'a data key');
            await expectOpens(provider, { keyId, plaintext, ciphertext }, 'the data key');
            expectNoRepetition(plaintext);
          },
        }),
      ),
      {
        id: 'DKY-008',
        title: 'generates random data keys: none twice, no byte fixed',
        async run({ provider, keys }) {
          const input = { keyId: await keys.get(), ...RANDOM };
          await expectRandom(async () => (await provider.generateDataKey(input)).plaintext);
        },
      },
      {
        id: 'DKY-010',
        title: 'does not show the data key in the ciphertext',
        async run({ provider, keys }) {
          const input = { keyId: await keys.get(), ...RANDOM };
          const { plaintext, ciphertext } = await provider.generateDataKey(input);
          check(
            !Buffer.from(ciphertext).includes(Buffer.from(plaintext.subarray(0, 8))),
            'a wrapped data key',
            'a ciphertext with the data key in it',
          );
        },
      },
      ...rejections('generateDataKey', 'DKY', 101),
    ],
    needs,
  ),
  ...casesOf(
    wrappedOnly,
    [
      ...SIZES.map(
        ([number, title, size, length]): CaseInput => ({
          id: `DKW-00${number}`,
          title: `wraps a data key of ${title}`,
          async run({ provider, keys }) {
            const plaintext = await unwrapped(provider, { keyId: await keys.get(), ...size });
            expectLength(plaintext, length, 'a data key');
            expectNoRepetition(plaintext);
          },
        }),
      ),
      {
        id: 'DKW-008',
        title: 'wraps random data keys: none twice, no byte fixed',
        async run({ provider, keys }) {
          const input = { keyId: await keys.get(), ...RANDOM };
          await expectRandom(() => unwrapped(provider, input));
        },
      },
      {
        id: 'DKW-009',
        title: 'has no plaintext in its result, and returns the key ARN',
        async run({ provider, keys }) {
          const keyId = await keys.get();
          const wrapped = await provider.generateDataKeyWithoutPlaintext({ keyId, ...RANDOM });
          expectKeyArn(wrapped.keyId, keyId);
          check(!('plaintext' in wrapped), 'a result without a plaintext', 'one that has it');
          const { plaintext } = await provider.decrypt({ keyId, ciphertext: wrapped.ciphertext });
          expectHidden(wrapped, plaintext, 'the data key');
        },
      },
      ...rejections('generateDataKeyWithoutPlaintext', 'DKW', 201),
    ],
    needs,
  ),
];
