import type { EncryptionAlgorithm, KeyWrapProvider } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectBytes, expectError, expectKeyArn, sameBytes } from '../expect.js';
import { leakInResult } from '../leaks.js';
import { sealOutside } from '../outside.js';
import { plaintextsOfEveryKind } from '../plaintexts.js';

const moves = {
  id: 're-encrypt',
  statement:
    'reEncrypt moves a ciphertext between symmetric and RSA keys, and names both key ARNs and both algorithms',
  source: kmsApi('ReEncrypt'),
};

const hidden = {
  id: 're-encrypt-hides-plaintext',
  statement: 'reEncrypt never shows the plaintext to the caller',
  source: kmsApi('ReEncrypt'),
};

type Kind = 'SYMMETRIC_DEFAULT' | 'RSA_2048';

const needsOf = {
  SYMMETRIC_DEFAULT: ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'],
  RSA_2048: ['asymmetric', 'key:RSA_2048'],
} as const;

const DIRECTIONS: readonly [string, Kind, Kind][] = [
  ['1', 'SYMMETRIC_DEFAULT', 'SYMMETRIC_DEFAULT'],
  ['2', 'SYMMETRIC_DEFAULT', 'RSA_2048'],
  ['3', 'RSA_2048', 'SYMMETRIC_DEFAULT'],
  ['4', 'RSA_2048', 'RSA_2048'],
];

const nameOf = (kind: Kind) => (kind === 'RSA_2048' ? 'RSA' : 'symmetric');

async function keyOf(kind: Kind, { keys }: CaseContext, index = 0) {
  return { keyId: await keys.get(kind, index), algorithm: algorithmOf(kind, keys) };
}

function algorithmOf(kind: Kind, keys: CaseContext['keys']) {
  return kind === 'RSA_2048' ? keys.rsaAlgorithm : ('SYMMETRIC_DEFAULT' as const);
}

async function open(
  provider: KeyWrapProvider,
  key: { readonly keyId: string; readonly algorithm: EncryptionAlgorithm },
  ciphertext: Uint8Array,
): Promise<Uint8Array> {
  const { keyId, algorithm } = key;
  const result =
    algorithm === 'SYMMETRIC_DEFAULT'
      ? await provider.decrypt({ keyId, ciphertext })
      : await provider.decryptAsymmetric({ keyId, algorithm, ciphertext });
  return result.plaintext;
}

const symmetric = needsOf.SYMMETRIC_DEFAULT;

export const reEncryptCases = [
  ...casesOf(
    moves,
    DIRECTIONS.flatMap(([number, from, to]): CaseInput[] => {
      const direction = `${nameOf(from)} to ${nameOf(to)}`;
      const needs = [...needsOf[from], ...needsOf[to]];
      return [
        {
          id: `REE-10${number}`,
          title: `${direction}: the new ciphertext opens under the destination key`,
          needs,
          async run(context) {
            const { provider, secret } = context;
            const source = await keyOf(from, context);
            const destination = await keyOf(to, context, 1);
            const plaintext = secret();
            const sealed = await provider.encrypt({ ...source, plaintext });
            const { ciphertext } = sealed;
            const moved = await provider.reEncrypt({ ciphertext, source, destination });
            const opened = await open(provider, destination, moved.ciphertext);
            expectBytes(opened, plaintext, 'the plaintext under the destination key');
          },
        },
        {
          id: `REE-20${number}`,
          title: `${direction}: names both key ARNs and both algorithms`,
          needs,
          async run(context) {
            const { provider, secret } = context;
            const source = await keyOf(from, context);
            const destination = await keyOf(to, context, 1);
            const { ciphertext } = await provider.encrypt({ ...source, plaintext: secret() });
            const moved = await provider.reEncrypt({ ciphertext, source, destination });
            expectKeyArn(moved.sourceKeyId, source.keyId, 'sourceKeyId');
            expectKeyArn(moved.destinationKeyId, destination.keyId, 'destinationKeyId');
            expectAlgorithm(moved.sourceAlgorithm, source.algorithm, 'sourceAlgorithm');
            expectAlgorithm(
              moved.destinationAlgorithm,
              destination.algorithm,
              'destinationAlgorithm',
            );
          },
        },
      ];
    }),
  ),
  ...casesOf(moves, [
    {
      id: 'REE-301',
      title: 'names each RSA algorithm where the two sides differ, and uses it',
      needs: ['algorithm:RSAES_OAEP_SHA_1', 'algorithm:RSAES_OAEP_SHA_256', 'key:RSA_2048'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.get('RSA_2048');
        const pairs = [
          ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
          ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'],
        ] as const;
        for (const [from, to] of pairs) {
          const plaintext = secret();
          const { publicKey } = await provider.getPublicKey({ keyId });
          const ciphertext = await sealOutside(publicKey, plaintext, from);
          const source = { keyId, algorithm: from };
          const destination = { keyId, algorithm: to };
          const moved = await provider.reEncrypt({ ciphertext, source, destination });
          expectAlgorithm(moved.sourceAlgorithm, from, 'sourceAlgorithm');
          expectAlgorithm(moved.destinationAlgorithm, to, 'destinationAlgorithm');
          const opened = await open(provider, destination, moved.ciphertext);
          expectBytes(opened, plaintext, 'the plaintext under the destination algorithm');
        }
      },
    },
    {
      id: 'REE-302',
      title: 'leaves the old ciphertext as good as it was',
      needs: symmetric,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const plaintext = secret();
        const { ciphertext } = await provider.encrypt({ keyId, plaintext });
        const destination = { keyId: await keys.get('SYMMETRIC_DEFAULT', 1) };
        await provider.reEncrypt({ ciphertext, source: { keyId }, destination });
        const result = await provider.decrypt({ keyId, ciphertext });
        expectBytes(result.plaintext, plaintext, 'the plaintext in the old ciphertext');
      },
    },
    {
      id: 'REE-303',
      title: 'does not open under the source key any more (INCORRECT_KEY)',
      needs: symmetric,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const sealed = await provider.encrypt({ keyId, plaintext: secret() });
        const destination = { keyId: await keys.get('SYMMETRIC_DEFAULT', 1) };
        const input = { ciphertext: sealed.ciphertext, source: { keyId }, destination };
        const { ciphertext } = await provider.reEncrypt(input);
        const call = provider.decrypt({ keyId, ciphertext });
        await expectError(call, 'INCORRECT_KEY', { operation: 'decrypt' });
      },
    },
    {
      id: 'REE-304',
      title: 'makes a new ciphertext each time, under the same key too',
      needs: symmetric,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const { ciphertext } = await provider.encrypt({ keyId, plaintext: secret() });
        const input = { ciphertext, source: { keyId }, destination: { keyId } };
        const one = await provider.reEncrypt(input);
        const two = await provider.reEncrypt(input);
        const isFresh =
          !sameBytes(one.ciphertext, two.ciphertext) && !sameBytes(one.ciphertext, ciphertext);
        check(isFresh, 'a fresh ciphertext each time', 'the same one again');
      },
    },
    {
      id: 'REE-305',
      title: 'moves the longest plaintext, 4096 bytes, between symmetric keys',
      needs: symmetric,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const plaintext = secret(4096);
        const { ciphertext } = await provider.encrypt({ keyId, plaintext });
        const destination = { keyId: await keys.get('SYMMETRIC_DEFAULT', 1) };
        const moved = await provider.reEncrypt({ ciphertext, source: { keyId }, destination });
        const result = await provider.decrypt({ ...destination, ciphertext: moved.ciphertext });
        expectBytes(result.plaintext, plaintext, 'the plaintext under the destination key');
      },
    },
    ...(
      [
        ['RSAES_OAEP_SHA_1', 214, '6'],
        ['RSAES_OAEP_SHA_256', 190, '7'],
      ] as const
    ).map(
      ([algorithm, maximum, number]): CaseInput => ({
        id: `REE-30${number}`,
        title: `refuses to move ${maximum + 1} bytes to RSA_2048 with ${algorithm} (INVALID_INPUT), moves ${maximum}`,
        needs: [...symmetric, `algorithm:${algorithm}`, 'key:RSA_2048'],
        async run({ provider, keys, secret }) {
          const keyId = await keys.get();
          const destination = { keyId: await keys.get('RSA_2048'), algorithm };
          const move = async (size: number) => {
            const { ciphertext } = await provider.encrypt({ keyId, plaintext: secret(size) });
            return provider.reEncrypt({ ciphertext, source: { keyId }, destination });
          };
          await move(maximum);
          await expectError(move(maximum + 1), 'INVALID_INPUT', { operation: 'reEncrypt' });
        },
      }),
    ),
    {
      id: 'REE-308',
      title: 'moves a data key',
      needs: [...symmetric, 'dataKeys'],
      async run({ provider, keys }) {
        const keyId = await keys.get();
        const { plaintext, ciphertext } = await provider.generateDataKey({
          keyId,
          keySpec: 'AES_256',
        });
        const destination = { keyId: await keys.get('SYMMETRIC_DEFAULT', 1) };
        const moved = await provider.reEncrypt({ ciphertext, source: { keyId }, destination });
        const result = await provider.decrypt({ ...destination, ciphertext: moved.ciphertext });
        expectBytes(result.plaintext, plaintext, 'the data key under the destination key');
      },
    },
    ...DIRECTIONS.map(
      ([number, from, to]): CaseInput => ({
        id: `REE-40${number}`,
        title: `${nameOf(from)} to ${nameOf(to)}: moves plaintexts of every kind: zeros, ones, text and its blanks`,
        needs: [...needsOf[from], ...needsOf[to]],
        async run(context) {
          const { provider } = context;
          const source = await keyOf(from, context);
          const destination = await keyOf(to, context, 1);
          for (const plaintext of plaintextsOfEveryKind()) {
            const { ciphertext } = await provider.encrypt({ ...source, plaintext });
            const moved = await provider.reEncrypt({ ciphertext, source, destination });
            const opened = await open(provider, destination, moved.ciphertext);
            expectBytes(opened, plaintext, `a plaintext of ${plaintext.length} bytes`);
          }
        },
      }),
    ),
    {
      id: 'REE-405',
      title: 'moves plaintexts of every kind from the key that the ciphertext names',
      needs: [...symmetric, 'keyIdFromCiphertext'],
      async run({ provider, keys }) {
        const keyId = await keys.get();
        const destination = { keyId: await keys.get('SYMMETRIC_DEFAULT', 1) };
        for (const plaintext of plaintextsOfEveryKind()) {
          const { ciphertext } = await provider.encrypt({ keyId, plaintext });
          const moved = await provider.reEncrypt({ ciphertext, destination });
          const result = await provider.decrypt({ ...destination, ciphertext: moved.ciphertext });
          expectBytes(result.plaintext, plaintext, `a plaintext of ${plaintext.length} bytes`);
        }
      },
    },
  ]),
  ...casesOf(
    hidden,
    DIRECTIONS.map(
      ([number, from, to]): CaseInput => ({
        id: `REH-00${number}`,
        title: `${nameOf(from)} to ${nameOf(to)}: there is no plaintext in the result`,
        needs: [...needsOf[from], ...needsOf[to]],
        async run(context) {
          const { provider, secret } = context;
          const source = await keyOf(from, context);
          const destination = await keyOf(to, context, 1);
          const plaintext = secret();
          const { ciphertext } = await provider.encrypt({ ...source, plaintext });
          const moved = await provider.reEncrypt({ ciphertext, source, destination });
          check(!('plaintext' in moved), 'a result without a plaintext', 'one that has it');
          const where = leakInResult(moved, [plaintext]);
          check(
            where === undefined,
            'a result without the plaintext',
            `one that shows it ${where}`,
          );
        },
      }),
    ),
  ),
];

function expectAlgorithm(actual: unknown, expected: EncryptionAlgorithm, what: string): void {
  check(actual === expected, `${what} ${expected}`, `${what} ${String(actual)}`);
}
