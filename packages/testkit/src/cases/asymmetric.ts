import { type AsymmetricAlgorithm, maximumPlaintextLength, type RsaKeySpec } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectError, expectKeyArn, expectLength } from '../expect.js';
import { OWN_RUNTIME, RSA } from '../needs.js';
import { sealOutside } from '../outside.js';
import { plaintextsOfEveryKind } from '../plaintexts.js';
import { expectOpens, keyOf, open, roundTrip, seal } from '../round-trip.js';

const outside = {
  id: 'asymmetric',
  statement:
    'decryptAsymmetric decrypts what RSAES-OAEP encrypted with the public key, here or outside, with the same hash only',
  source: 'RFC 8017 section 7.1',
};

const length = {
  id: 'asymmetric-plaintext-length',
  statement: 'An RSA plaintext has 1 to k - 2 * hLen - 2 bytes',
  source: kmsApi('Encrypt'),
};

const noContext = {
  id: 'asymmetric-context',
  statement: 'An encryption context is rejected with RSA, not ignored',
  source: kmsApi('Encrypt'),
};

const ALGORITHMS = [
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSAES_OAEP_SHA_384',
  'RSAES_OAEP_SHA_512',
] as const;
const SPECS: readonly [RsaKeySpec, number][] = [
  ['RSA_2048', 256],
  ['RSA_3072', 384],
  ['RSA_4096', 512],
];

const COMBINATIONS = SPECS.flatMap(([spec, modulus], i) =>
  ALGORITHMS.map((algorithm, j) => ({
    number: `${i + 1}${j + 1}`,
    kind: `${spec}/${algorithm}` as const,
    modulus,
    algorithm,
    name: `${spec} with ${algorithm}`,
    needs: [`algorithm:${algorithm}`, `key:${spec}/${algorithm}`] as const,
    // Making larger keys takes seconds.
    profile: spec === 'RSA_2048' ? ('quick' as const) : ('full' as const),
    maximum: maximumPlaintextLength(algorithm, spec),
  })),
);

/** Two algorithms: of a ciphertext, and of a call that must not decrypt it. */
const MISTAKEN = [
  ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', '1'],
  ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1', '2'],
  ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_384', '5'],
  ['RSAES_OAEP_SHA_384', 'RSAES_OAEP_SHA_512', '6'],
  ['RSAES_OAEP_SHA_512', 'RSAES_OAEP_SHA_256', '7'],
] as const;

const context = { encryptionContext: { tenant: 'a' } };

export const asymmetricCases = [
  ...casesOf(
    outside,
    COMBINATIONS.flatMap(
      ({ number, name, kind, modulus, algorithm, needs, profile }): CaseInput[] => [
        {
          id: `RSA-1${number}`,
          title: `${name}: decrypts what was encrypted outside`,
          needs,
          profile,
          async run(context) {
            const { provider, keys } = context;
            const sealed = await sealOutside(context, { keyId: await keys.get(kind), algorithm });
            const result = await expectOpens(provider, sealed);
            expectKeyArn(result.keyId, sealed.keyId);
            expectAlgorithm(result.algorithm, algorithm);
          },
        },
        {
          id: `RSA-2${number}`,
          title: `${name}: decrypts what it encrypted itself, in ${modulus} bytes after a header if it has one`,
          needs,
          profile,
          async run({ provider, keys, secret }) {
            const key = { keyId: await keys.get(kind), algorithm };
            const plaintext = secret();
            const sealed = await provider.encrypt({ ...key, plaintext });
            expectKeyArn(sealed.keyId, key.keyId);
            expectAlgorithm(sealed.algorithm, algorithm);
            const { ciphertext } = sealed;
            check(
              ciphertext.length >= modulus,
              `a ciphertext at least as long as the modulus, ${modulus} bytes`,
              `${ciphertext.length} bytes`,
            );
            const other = await provider.encrypt({ ...key, plaintext: secret(1) });
            expectLength(other.ciphertext, ciphertext.length, 'a ciphertext of another plaintext');
            await expectOpens(provider, { ...key, plaintext, ciphertext });
          },
        },
      ],
    ),
  ),
  ...casesOf(outside, [
    ...MISTAKEN.map(
      ([algorithm, other, number]): CaseInput => ({
        id: `RSA-30${number}`,
        title: `rejects with ${other} what was encrypted with ${algorithm} (INVALID_CIPHERTEXT, or KEY_USAGE if each key has one)`,
        needs: [`algorithm:${algorithm}`, `algorithm:${other}`, `key:RSA_2048/${algorithm}`],
        async run(context) {
          const { provider, keys } = context;
          const key = { keyId: await keys.get(`RSA_2048/${algorithm}`), algorithm };
          const hasOne = provider.capabilities.oneAlgorithmPerKey === true;
          const code = hasOne ? 'KEY_USAGE' : 'INVALID_CIPHERTEXT';
          for (const sealed of [await seal(context, key), await sealOutside(context, key)]) {
            const call = open(provider, { ...sealed, algorithm: other });
            await expectError(call, code, { operation: 'decryptAsymmetric' });
          }
        },
      }),
    ),
    ...MISTAKEN.map(
      ([algorithm, other, number]): CaseInput => ({
        id: `RSA-40${number}`,
        title: `does not encrypt with ${other} under a key of ${algorithm} alone (KEY_USAGE)`,
        needs: [
          'oneAlgorithmPerKey',
          `algorithm:${algorithm}`,
          `algorithm:${other}`,
          `key:RSA_2048/${algorithm}`,
        ],
        async run(context) {
          const keyId = await context.keys.get(`RSA_2048/${algorithm}`);
          const call = seal(context, { keyId, algorithm: other });
          await expectError(call, 'KEY_USAGE', { operation: 'encrypt', keyId: [keyId] });
        },
      }),
    ),
    {
      id: 'RSA-304',
      title: 'returns plaintexts of every kind unchanged: zeros, ones, text and its blanks',
      needs: RSA,
      async run(context) {
        const key = await keyOf(context, 'RSA_2048');
        for (const plaintext of plaintextsOfEveryKind()) {
          await roundTrip(context, { ...key, plaintext });
        }
      },
    },
    {
      id: 'RSA-303',
      title: 'rejects a ciphertext of another RSA key (INVALID_CIPHERTEXT)',
      needs: RSA,
      async run(context) {
        const sealed = await seal(context, await keyOf(context, 'RSA_2048'));
        const call = open(context.provider, {
          ...sealed,
          ...(await keyOf(context, 'RSA_2048', 1)),
        });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
      },
    },
  ]),
  ...casesOf(
    length,
    COMBINATIONS.flatMap(
      ({ number, name, kind, algorithm, needs, profile, maximum }): CaseInput[] => [
        {
          id: `RSL-1${number}`,
          title: `${name}: encrypts ${maximum} bytes, and 1`,
          needs,
          profile,
          async run(context) {
            const key = { keyId: await context.keys.get(kind), algorithm };
            for (const size of [maximum, 1]) {
              await roundTrip(context, { ...key, plaintext: context.secret(size) });
            }
          },
        },
        {
          id: `RSL-2${number}`,
          title: `${name}: rejects ${maximum + 1} bytes (INVALID_INPUT)`,
          needs,
          profile,
          async run({ provider, keys, secret }) {
            const input = {
              keyId: await keys.get(kind),
              plaintext: secret(maximum + 1),
              algorithm,
            };
            const details = { operation: 'encrypt', field: 'plaintext' };
            await expectError(provider.encrypt(input), 'INVALID_INPUT', details);
          },
        },
        {
          id: `RSL-3${number}`,
          title: `${name}: decrypts ${maximum} bytes that were encrypted outside`,
          needs,
          profile,
          async run(context) {
            const key = { keyId: await context.keys.get(kind), algorithm };
            await expectOpens(
              context.provider,
              await sealOutside(context, key, context.secret(maximum)),
            );
          },
        },
      ],
    ),
  ),
  ...casesOf(length, [
    {
      id: 'RSL-001',
      title: 'rejects an empty RSA plaintext (INVALID_INPUT)',
      needs: RSA,
      async run(context) {
        const key = await keyOf(context, 'RSA_2048');
        const call = seal(context, { ...key, plaintext: new Uint8Array() });
        await expectError(call, 'INVALID_INPUT', { operation: 'encrypt', field: 'plaintext' });
      },
    },
  ]),
  ...casesOf(
    noContext,
    [
      {
        id: 'RSC-001',
        title: 'encrypt with RSA rejects an encryption context (INVALID_INPUT)',
        async run(each) {
          const call = seal(each, { ...(await keyOf(each, 'RSA_2048')), ...context });
          const details = { operation: 'encrypt', field: 'encryptionContext' };
          await expectError(call, 'INVALID_INPUT', details);
        },
      },
      {
        id: 'RSC-002',
        title: 'decryptAsymmetric rejects an encryption context (INVALID_INPUT)',
        async run({ provider, keys }) {
          const sealed = await keys.sealed('RSA_2048');
          const call = open(provider, { ...sealed, algorithm: keys.rsaAlgorithm, ...context });
          const details = { operation: 'decryptAsymmetric', field: 'encryptionContext' };
          await expectError(call, 'INVALID_INPUT', details);
        },
      },
      ...(['source', 'destination'] as const).map(
        (side, i): CaseInput => ({
          id: `RSC-00${i + 3}`,
          title: `reEncrypt rejects an encryption context on an RSA ${side} (INVALID_INPUT)`,
          async run({ provider, keys }) {
            const { keyId, ciphertext } = await keys.sealed('RSA_2048');
            const key = { keyId, algorithm: keys.rsaAlgorithm };
            const input = { ciphertext, source: key, destination: key };
            const call = provider.reEncrypt({ ...input, [side]: { ...key, ...context } } as never);
            const details = { operation: 'reEncrypt', field: `${side}.encryptionContext` };
            await expectError(call, 'INVALID_INPUT', details);
          },
        }),
      ),
    ],
    [...RSA, OWN_RUNTIME],
  ),
];

function expectAlgorithm(actual: unknown, expected: AsymmetricAlgorithm): void {
  check(actual === expected, `algorithm ${expected}`, `algorithm ${String(actual)}`);
}
