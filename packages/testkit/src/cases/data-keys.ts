import {
  type DataKeySpec,
  type KeyWrapProvider,
  LIMITS,
  limitOf,
  maximumPlaintextLength,
} from '@keywrap/core';
import { includesBytes } from '../bytes.js';
import { type CaseInput, CONTRACT, casesOf, kmsApi } from '../case.js';
import { check, expectError, expectKeyArn, expectLength, sameBytes } from '../expect.js';
import { expectHidden } from '../leaks.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { expectOpens } from '../round-trip.js';

const generates = {
  id: 'data-key',
  statement:
    'A data key is AES_256, AES_128 or 1 to 1024 bytes (fewer where a limit says so), random, and its ciphertext decrypts to it',
  source: kmsApi('GenerateDataKey'),
};

const wrappedOnly = {
  id: 'data-key-without-plaintext',
  statement: 'generateDataKeyWithoutPlaintext returns a wrapped data key without its plaintext',
  source: kmsApi('GenerateDataKeyWithoutPlaintext'),
};

const underRsa = {
  id: 'data-key-under-rsa',
  statement:
    'A backend that declares an RSA dataKeyAlgorithm wraps data keys under RSA keys, without a context',
  source: CONTRACT,
};

const BOTH = ['generateDataKey', 'generateDataKeyWithoutPlaintext'] as const;

/** @param limit The longest plaintext of the key. */
const UNDER_RSA: readonly [string, string, (limit: number) => number][] = [
  ['1', '32 bytes', () => 32],
  ['2', '16 bytes', () => 16],
  ['3', 'the longest', (limit) => limit],
];

const needs = [...SYMMETRIC, 'dataKeys', 'dataKeysUnder:SYMMETRIC_DEFAULT'] as const;

/** Returns the length in bytes of the longest data key of a provider. */
const longest = ({ capabilities }: KeyWrapProvider) =>
  Math.min(LIMITS.dataKey, limitOf(capabilities, 'plaintext'));

type Size = { readonly keySpec: DataKeySpec } | { readonly numberOfBytes: number };

/** @param limit The longest data key. */
const SIZES: readonly [string, string, (limit: number) => Size, (limit: number) => number][] = [
  ['1', 'AES_256', () => ({ keySpec: 'AES_256' }), () => 32],
  ['2', 'AES_128', () => ({ keySpec: 'AES_128' }), () => 16],
  ['3', '1 byte', () => ({ numberOfBytes: 1 }), () => 1],
  ['4', '24 bytes', () => ({ numberOfBytes: 24 }), () => 24],
  ['5', '64 bytes', () => ({ numberOfBytes: 64 }), () => 64],
  [
    '6',
    'one byte less than the longest',
    (limit) => ({ numberOfBytes: limit - 1 }),
    (limit) => limit - 1,
  ],
  ['7', 'the longest', (limit) => ({ numberOfBytes: limit }), (limit) => limit],
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
  const sizes = [0, 'one more than the limit of', -1, 1.5, Number.NaN] as const;
  return sizes.map(
    (size, i): CaseInput => ({
      id: `${letters}-${first + i}`,
      title: `${operation} rejects ${size} bytes (INVALID_INPUT)`,
      async run({ provider, keys }) {
        const numberOfBytes = typeof size === 'number' ? size : longest(provider) + 1;
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
        ([number, title, sizeOf, lengthOf]): CaseInput => ({
          id: `DKY-00${number}`,
          title: `generates a data key of ${title}, and wraps exactly it`,
          async run({ provider, keys }) {
            const keyId = await keys.get();
            const limit = longest(provider);
            const input = { keyId, ...sizeOf(limit) };
            const { plaintext, ciphertext } = await provider.generateDataKey(input);
            expectLength(plaintext, lengthOf(limit), 'a data key');
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
            !includesBytes(ciphertext, plaintext.subarray(0, 8)),
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
        ([number, title, sizeOf, lengthOf]): CaseInput => ({
          id: `DKW-00${number}`,
          title: `wraps a data key of ${title}`,
          async run({ provider, keys }) {
            const limit = longest(provider);
            const input = { keyId: await keys.get(), ...sizeOf(limit) };
            const plaintext = await unwrapped(provider, input);
            expectLength(plaintext, lengthOf(limit), 'a data key');
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
  ...casesOf(
    underRsa,
    [
      ...UNDER_RSA.map(
        ([number, title, sizeOf]): CaseInput => ({
          id: `DKR-00${number}`,
          title: `generates a data key of ${title}, and wraps exactly it`,
          async run({ provider, keys }) {
            const algorithm = keys.rsaAlgorithm;
            const size = sizeOf(maximumPlaintextLength(algorithm, 'RSA_2048'));
            const input = { keyId: await keys.get('RSA_2048'), numberOfBytes: size };
            const { plaintext, ciphertext } = await provider.generateDataKey(input);
            expectLength(plaintext, size, 'a data key');
            const key = { keyId: input.keyId, algorithm };
            await expectOpens(provider, { ...key, plaintext, ciphertext }, 'the data key');
            const wrapped = await provider.generateDataKeyWithoutPlaintext(input);
            const sealed = { ...key, ciphertext: wrapped.ciphertext };
            const opened = await provider.decryptAsymmetric(sealed);
            expectLength(opened.plaintext, size, 'a data key');
          },
        }),
      ),
      {
        id: 'DKR-101',
        title: 'rejects one byte more than the key can wrap (INVALID_INPUT)',
        async run({ provider, keys }) {
          const maximum = maximumPlaintextLength(keys.rsaAlgorithm, 'RSA_2048');
          const input = { keyId: await keys.get('RSA_2048'), numberOfBytes: maximum + 1 };
          const details = { operation: 'generateDataKey' };
          await expectError(provider.generateDataKey(input), 'INVALID_INPUT', details);
        },
      },
      {
        id: 'DKR-102',
        title: 'rejects an encryption context, because RSA can not bind to it (INVALID_INPUT)',
        async run({ provider, keys }) {
          const input = { keyId: await keys.get('RSA_2048'), ...RANDOM };
          const call = provider.generateDataKey({ ...input, encryptionContext: { tenant: 'a' } });
          const details = { operation: 'generateDataKey', field: 'encryptionContext' };
          await expectError(call, 'INVALID_INPUT', details);
        },
      },
      ...BOTH.map(
        (operation, i): CaseInput => ({
          id: `DKR-20${i + 1}`,
          title: `${operation} rejects a disabled key (KEY_DISABLED)`,
          needs: ['keys.disable'],
          async run({ provider, keys }) {
            const keyId = await keys.create('RSA_2048');
            await keys.disable(keyId);
            const details = { operation, keyId: [keyId] };
            await expectError(provider[operation]({ keyId, ...RANDOM }), 'KEY_DISABLED', details);
          },
        }),
      ),
      ...BOTH.map(
        (operation, i): CaseInput => ({
          id: `DKR-30${i + 1}`,
          title: `${operation} rejects a key that only decrypts (KEY_STATE)`,
          needs: ['keys.restrictToDecrypt'],
          async run({ provider, keys }) {
            const keyId = await keys.create('RSA_2048');
            await keys.restrictToDecrypt(keyId);
            const details = { operation, keyId: [keyId] };
            await expectError(provider[operation]({ keyId, ...RANDOM }), 'KEY_STATE', details);
          },
        }),
      ),
      {
        id: 'DKR-103',
        title: 'generates random data keys: none twice, no byte fixed',
        async run({ provider, keys }) {
          const input = { keyId: await keys.get('RSA_2048'), ...RANDOM };
          await expectRandom(async () => (await provider.generateDataKey(input)).plaintext);
        },
      },
    ],
    [...RSA, 'dataKeys', 'dataKeysUnder:RSA'],
  ),
];
