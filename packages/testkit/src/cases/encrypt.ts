import { limitOf } from '@keywrap/core';
import { contextOf } from '../bad-values.js';
import { includesBytes } from '../bytes.js';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import {
  check,
  expectDifferent,
  expectError,
  expectField,
  expectKeyArn,
  sameBytes,
} from '../expect.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { plaintextsOfEveryKind } from '../plaintexts.js';
import { expectOpens, keyOf, roundTrip, seal } from '../round-trip.js';

const opens = {
  id: 'encrypt-decrypt',
  statement: 'A symmetric key decrypts what it encrypted, byte for byte, whatever the bytes are',
  source: kmsApi('Encrypt'),
};

const length = {
  id: 'plaintext-length',
  statement:
    'A plaintext under a symmetric key has 1 to 4096 bytes, or fewer where capabilities.limits say so',
  source: kmsApi('Encrypt'),
};

const fresh = {
  id: 'fresh-ciphertext',
  statement: 'Encrypting the same plaintext twice returns two different ciphertexts',
  source: 'NIST SP 800-38D section 8: an IV is never used twice with a key',
};

const longest = ({ provider }: CaseContext) => limitOf(provider.capabilities, 'plaintext');

export const encryptCases = [
  ...casesOf(
    opens,
    [
      { id: 'ENC-001', title: 'decrypts what it encrypted', run: (context) => roundTrip(context) },
      {
        id: 'ENC-002',
        title:
          'returns plaintexts of every kind unchanged: zeros, ones, text, and lengths around a block',
        async run(context) {
          const sizes = [2, 15, 16, 17, 31, 33, 64, 255, 256, 257, 1024];
          const fitting = sizes.filter((size) => size <= longest(context));
          const secrets = fitting.map((size) => context.secret(size));
          for (const plaintext of [...plaintextsOfEveryKind(), ...secrets]) {
            await roundTrip(context, { plaintext });
          }
        },
      },
      {
        id: 'ENC-006',
        title: 'returns plaintexts of every kind unchanged without a keyId',
        needs: ['keyIdFromCiphertext'],
        async run(context) {
          const secrets = [context.secret(), context.secret(longest(context))];
          for (const plaintext of [...plaintextsOfEveryKind(), ...secrets]) {
            const { ciphertext } = await seal(context, { plaintext });
            await expectOpens(context.provider, { plaintext, ciphertext });
          }
        },
      },
      {
        id: 'ENC-003',
        title: 'returns the key ARN and the algorithm in both results',
        async run({ provider, keys, secret }) {
          const keyId = await keys.get();
          const sealed = await provider.encrypt({ keyId, plaintext: secret() });
          const opened = await provider.decrypt({ keyId, ciphertext: sealed.ciphertext });
          for (const result of [sealed, opened]) {
            expectKeyArn(result.keyId, keyId);
            expectField(result.algorithm, 'SYMMETRIC_DEFAULT', 'algorithm');
          }
        },
      },
      {
        id: 'ENC-004',
        title: 'accepts SYMMETRIC_DEFAULT by name',
        run: (context) => roundTrip(context, { algorithm: 'SYMMETRIC_DEFAULT' }),
      },
      {
        id: 'ENC-005',
        title: 'does not show the plaintext in the ciphertext',
        async run(context) {
          const { plaintext, ciphertext } = await seal(context, { plaintext: context.secret(64) });
          check(
            !includesBytes(ciphertext, plaintext.subarray(0, 8)),
            'an encrypted plaintext',
            'a ciphertext with the plaintext in it',
          );
        },
      },
    ],
    SYMMETRIC,
  ),
  ...casesOf(
    length,
    [
      ...(
        [
          ['1 byte', () => 1],
          ['one byte less than the limit', (limit: number) => limit - 1],
          ['the longest plaintext', (limit: number) => limit],
        ] as const
      ).map(
        ([what, sizeOf], i): CaseInput => ({
          id: `LEN-00${i + 1}`,
          title: `encrypts ${what}, in at most 6144 bytes of ciphertext, or as many as the provider declares`,
          async run(context) {
            const plaintext = context.secret(sizeOf(longest(context)));
            const sealed = await seal(context, { plaintext });
            const { length } = sealed.ciphertext;
            const most = limitOf(context.provider.capabilities, 'ciphertext');
            check(length <= most, `a ciphertext of at most ${most} bytes`, `${length} bytes`);
            await expectOpens(context.provider, sealed);
          },
        }),
      ),
      {
        id: 'LEN-006',
        title: 'encrypts the longest plaintext with the longest context, in as many bytes at most',
        needs: ['encryptionContext'],
        async run(context) {
          const { capabilities } = context.provider;
          const encryptionContext = contextOf(limitOf(capabilities, 'encryptionContext'));
          const plaintext = context.secret(longest(context));
          const sealed = await seal(context, { plaintext, encryptionContext });
          const { length } = sealed.ciphertext;
          const most = limitOf(capabilities, 'ciphertext');
          check(length <= most, `a ciphertext of at most ${most} bytes`, `${length} bytes`);
          await expectOpens(context.provider, sealed);
        },
      },
      ...(
        [
          ['LEN-004', 'an empty plaintext', () => 0],
          ['LEN-005', 'one byte more than the limit', (limit: number) => limit + 1],
        ] as const
      ).map(
        ([id, what, sizeOf]): CaseInput => ({
          id,
          title: `rejects ${what} (INVALID_INPUT)`,
          async run(context) {
            const plaintext = context.secret(sizeOf(longest(context)));
            const call = seal(context, { plaintext });
            await expectError(call, 'INVALID_INPUT', { operation: 'encrypt', field: 'plaintext' });
          },
        }),
      ),
    ],
    SYMMETRIC,
  ),
  ...casesOf(fresh, [
    {
      id: 'FRE-001',
      title: 'makes 64 different ciphertexts of one plaintext under one key',
      needs: SYMMETRIC,
      async run({ provider, keys, secret }) {
        const input = { keyId: await keys.get(), plaintext: secret() };
        const seen: Uint8Array[] = [];
        for (let i = 0; i < 64; i++) {
          const { ciphertext } = await provider.encrypt(input);
          check(
            !seen.some((other) => sameBytes(other, ciphertext)),
            'a ciphertext that differs from every one before',
            `number ${i + 1} the same as an earlier one`,
          );
          seen.push(ciphertext);
        }
      },
    },
    {
      id: 'FRE-002',
      // RFC 8017 section 7.1.1: the seed is random.
      title: 'makes different RSA ciphertexts of one plaintext',
      needs: RSA,
      async run(context) {
        const input = { ...(await keyOf(context, 'RSA_2048')), plaintext: context.secret() };
        const [one, two] = [await seal(context, input), await seal(context, input)];
        expectDifferent(one.ciphertext, two.ciphertext, 'ciphertexts');
      },
    },
    ...(
      [
        ['FRE-004', 'RSA_2048', 'RSA ciphertexts', RSA],
        ['FRE-003', 'SYMMETRIC_DEFAULT', 'ciphertexts', SYMMETRIC],
      ] as const
    ).map(
      ([id, kind, what, needs]): CaseInput => ({
        id,
        title: `makes different ${what} of one when it re-encrypts`,
        needs,
        async run(context) {
          const { ciphertext } = await context.keys.sealed(kind);
          const key = await keyOf(context, kind);
          const input = { ciphertext, source: key, destination: key };
          const one = (await context.provider.reEncrypt(input)).ciphertext;
          const two = (await context.provider.reEncrypt(input)).ciphertext;
          expectDifferent(one, two, what);
          for (const each of [one, two]) expectDifferent(each, ciphertext, what);
        },
      }),
    ),
  ]),
];
