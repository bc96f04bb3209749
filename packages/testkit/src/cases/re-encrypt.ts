import { limitOf } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import {
  check,
  expectDifferent,
  expectError,
  expectField,
  expectKeyArn,
  wrongKeyCode,
} from '../expect.js';
import type { Kind } from '../key-use.js';
import { expectHidden } from '../leaks.js';
import { SYMMETRIC } from '../needs.js';
import { needsOf } from '../operations.js';
import { sealOutside } from '../outside.js';
import { plaintextsOfEveryKind } from '../plaintexts.js';
import { expectOpens, type Known, keyOf, type NamedKey, open, seal } from '../round-trip.js';

const moves = {
  id: 're-encrypt',
  statement:
    'reEncrypt moves a ciphertext between symmetric and RSA keys, and returns both key ARNs and both algorithms',
  source: kmsApi('ReEncrypt'),
};

const hidden = {
  id: 're-encrypt-hides-plaintext',
  statement: 'reEncrypt never shows the plaintext to the caller',
  source: kmsApi('ReEncrypt'),
};

const nameOf = (kind: Kind) => (kind === 'RSA_2048' ? 'RSA' : 'symmetric');

const KINDS = ['SYMMETRIC_DEFAULT', 'RSA_2048'] as const;

/** Every pair of kinds of key, with two different keys if the kinds are equal. */
const DIRECTIONS = KINDS.flatMap((from) => KINDS.map((to) => [from, to] as const)).map(
  ([from, to], i) => ({
    number: i + 1,
    name: `${nameOf(from)} to ${nameOf(to)}`,
    needs: [...needsOf(from), ...needsOf(to)],
    keys: async (context: CaseContext) => ({
      source: await keyOf(context, from),
      destination: await keyOf(context, to, 1),
    }),
  }),
);

/** Moves a ciphertext, and fails the case unless the new one decrypts under the destination key. */
async function expectMoves(
  { provider }: CaseContext,
  { plaintext, ciphertext, ...source }: Known,
  destination: NamedKey,
) {
  const input = { ciphertext, source, destination } as Parameters<typeof provider.reEncrypt>[0];
  const moved = await provider.reEncrypt(input);
  const sealed = { ...destination, plaintext, ciphertext: moved.ciphertext };
  await expectOpens(provider, sealed, `a plaintext of ${plaintext.length} bytes`);
  return moved;
}

const longest = ({ provider }: CaseContext) => limitOf(provider.capabilities, 'plaintext');

/** Returns another symmetric key to move to. */
const elsewhere = async ({ keys }: CaseContext) => ({
  keyId: await keys.get('SYMMETRIC_DEFAULT', 1),
});

export const reEncryptCases = [
  ...casesOf(
    moves,
    DIRECTIONS.flatMap(({ number, name, needs, keys }): CaseInput[] => [
      {
        id: `REE-10${number}`,
        title: `${name}: the new ciphertext decrypts under the destination key`,
        needs,
        async run(context) {
          const { source, destination } = await keys(context);
          await expectMoves(context, await seal(context, source), destination);
        },
      },
      {
        id: `REE-20${number}`,
        title: `${name}: returns both key ARNs and both algorithms`,
        needs,
        async run(context) {
          const { source, destination } = await keys(context);
          const { ciphertext } = await seal(context, source);
          const moved = await context.provider.reEncrypt({ ciphertext, source, destination });
          expectKeyArn(moved.sourceKeyId, source.keyId, 'sourceKeyId');
          expectKeyArn(moved.destinationKeyId, destination.keyId, 'destinationKeyId');
          expectField(moved.sourceAlgorithm, source.algorithm, 'sourceAlgorithm');
          expectField(moved.destinationAlgorithm, destination.algorithm, 'destinationAlgorithm');
        },
      },
    ]),
  ),
  ...casesOf(moves, [
    {
      id: 'REE-301',
      title: 'uses and returns each RSA algorithm when the two sides differ',
      needs: [
        'algorithm:RSAES_OAEP_SHA_1',
        'algorithm:RSAES_OAEP_SHA_256',
        'key:RSA_2048/RSAES_OAEP_SHA_1',
        'key:RSA_2048/RSAES_OAEP_SHA_256',
      ],
      async run(context) {
        const pairs = [
          ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
          ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'],
        ] as const;
        for (const [from, to] of pairs) {
          const source = { keyId: await context.keys.get(`RSA_2048/${from}`), algorithm: from };
          const keyId = await context.keys.get(`RSA_2048/${to}`);
          const sealed = await sealOutside(context, source);
          const moved = await expectMoves(context, sealed, { keyId, algorithm: to });
          expectField(moved.sourceAlgorithm, from, 'sourceAlgorithm');
          expectField(moved.destinationAlgorithm, to, 'destinationAlgorithm');
        }
      },
    },
    {
      id: 'REE-302',
      title: 'leaves the old ciphertext valid',
      needs: SYMMETRIC,
      async run(context) {
        const sealed = await seal(context);
        await expectMoves(context, sealed, await elsewhere(context));
        await expectOpens(context.provider, sealed, 'the plaintext in the old ciphertext');
      },
    },
    {
      id: 'REE-303',
      title: 'no longer decrypts under the source key',
      needs: SYMMETRIC,
      async run(context) {
        const sealed = await seal(context);
        const { ciphertext } = await expectMoves(context, sealed, await elsewhere(context));
        const call = open(context.provider, { keyId: sealed.keyId, ciphertext });
        await expectError(call, wrongKeyCode(context.provider), { operation: 'decrypt' });
      },
    },
    {
      id: 'REE-304',
      title: 'makes a new ciphertext each time, even under the same key',
      needs: SYMMETRIC,
      async run(context) {
        const sealed = await seal(context);
        const { keyId } = sealed;
        const one = await expectMoves(context, sealed, { keyId });
        const two = await expectMoves(context, sealed, { keyId });
        expectDifferent(one.ciphertext, two.ciphertext, 'ciphertexts');
        expectDifferent(one.ciphertext, sealed.ciphertext, 'ciphertexts');
      },
    },
    {
      id: 'REE-305',
      title: 'moves the longest plaintext between symmetric keys',
      needs: SYMMETRIC,
      async run(context) {
        const sealed = await seal(context, { plaintext: context.secret(longest(context)) });
        await expectMoves(context, sealed, await elsewhere(context));
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
        title: `rejects ${maximum + 1} bytes to RSA_2048 with ${algorithm} (INVALID_INPUT), and moves ${maximum}`,
        needs: [...SYMMETRIC, `algorithm:${algorithm}`, `key:RSA_2048/${algorithm}`],
        async run(context) {
          const keyId = await context.keys.get(`RSA_2048/${algorithm}`);
          const destination = { keyId, algorithm };
          const move = async (size: number) => {
            const sealed = await seal(context, { plaintext: context.secret(size) });
            return expectMoves(context, sealed, destination);
          };
          // A symmetric key may have a lower limit.
          await move(Math.min(maximum, longest(context)));
          if (longest(context) <= maximum) return;
          await expectError(move(maximum + 1), 'INVALID_INPUT', { operation: 'reEncrypt' });
        },
      }),
    ),
    {
      id: 'REE-308',
      title: 'moves a data key',
      needs: [...SYMMETRIC, 'dataKeys', 'dataKeysUnder:SYMMETRIC_DEFAULT'],
      async run(context) {
        const key = { keyId: await context.keys.get() };
        const input = { ...key, keySpec: 'AES_256' } as const;
        const { plaintext, ciphertext } = await context.provider.generateDataKey(input);
        await expectMoves(context, { ...key, plaintext, ciphertext }, await elsewhere(context));
      },
    },
    ...DIRECTIONS.map(
      ({ number, name, needs, keys }): CaseInput => ({
        id: `REE-40${number}`,
        title: `${name}: moves plaintexts of every kind: zeros, ones, text and its blanks`,
        needs,
        async run(context) {
          const { source, destination } = await keys(context);
          for (const plaintext of plaintextsOfEveryKind()) {
            await expectMoves(context, await seal(context, { ...source, plaintext }), destination);
          }
        },
      }),
    ),
    {
      id: 'REE-405',
      title: 'moves plaintexts of every kind from the key that the ciphertext names',
      needs: [...SYMMETRIC, 'keyIdFromCiphertext'],
      async run(context) {
        const destination = await elsewhere(context);
        for (const plaintext of plaintextsOfEveryKind()) {
          const { ciphertext } = await seal(context, { plaintext });
          const moved = await context.provider.reEncrypt({ ciphertext, destination });
          const sealed = { ...destination, plaintext, ciphertext: moved.ciphertext };
          await expectOpens(context.provider, sealed);
        }
      },
    },
  ]),
  ...casesOf(
    hidden,
    DIRECTIONS.map(
      ({ number, name, needs, keys }): CaseInput => ({
        id: `REH-00${number}`,
        title: `${name}: the result has no plaintext`,
        needs,
        async run(context) {
          const { source, destination } = await keys(context);
          const { plaintext, ciphertext } = await seal(context, source);
          const moved = await context.provider.reEncrypt({ ciphertext, source, destination });
          check(!('plaintext' in moved), 'a result without a plaintext', 'one that has it');
          expectHidden(moved, plaintext);
        },
      }),
    ),
  ),
];
