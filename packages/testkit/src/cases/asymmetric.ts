import { type AsymmetricAlgorithm, maximumPlaintextLength, type RsaKeySpec } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectError, expectKeyArn } from '../expect.js';
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

const ALGORITHMS = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const;
const SPECS: readonly [RsaKeySpec, number][] = [
  ['RSA_2048', 256],
  ['RSA_3072', 384],
  ['RSA_4096', 512],
];

const COMBINATIONS = SPECS.flatMap(([spec, modulus], i) =>
  ALGORITHMS.map((algorithm, j) => ({
    number: `${i + 1}${j + 1}`,
    spec,
    modulus,
    algorithm,
    name: `${spec} with ${algorithm}`,
    needs: [`algorithm:${algorithm}`, `key:${spec}`] as const,
    maximum: maximumPlaintextLength(algorithm, spec),
  })),
);

const other = (algorithm: AsymmetricAlgorithm) =>
  algorithm === 'RSAES_OAEP_SHA_1' ? 'RSAES_OAEP_SHA_256' : 'RSAES_OAEP_SHA_1';

const context = { encryptionContext: { tenant: 'a' } };

export const asymmetricCases = [
  ...casesOf(
    outside,
    COMBINATIONS.flatMap(({ number, name, spec, modulus, algorithm, needs }): CaseInput[] => [
      {
        id: `RSA-1${number}`,
        title: `${name}: decrypts what was encrypted outside`,
        needs,
        async run(context) {
          const { provider, keys } = context;
          const sealed = await sealOutside(context, { keyId: await keys.get(spec), algorithm });
          const result = await expectOpens(provider, sealed);
          expectKeyArn(result.keyId, sealed.keyId);
          expectAlgorithm(result.algorithm, algorithm);
        },
      },
      {
        id: `RSA-2${number}`,
        title: `${name}: decrypts what it encrypted itself, in ${modulus} bytes`,
        needs,
        async run({ provider, keys, secret }) {
          const key = { keyId: await keys.get(spec), algorithm };
          const plaintext = secret();
          const sealed = await provider.encrypt({ ...key, plaintext });
          expectKeyArn(sealed.keyId, key.keyId);
          expectAlgorithm(sealed.algorithm, algorithm);
          const { ciphertext } = sealed;
          check(
            ciphertext.length === modulus,
            `a ciphertext as long as the modulus, ${modulus} bytes`,
            `${ciphertext.length} bytes`,
          );
          await expectOpens(provider, { ...key, plaintext, ciphertext });
        },
      },
    ]),
  ),
  ...casesOf(outside, [
    ...ALGORITHMS.map(
      (algorithm, i): CaseInput => ({
        id: `RSA-30${i + 1}`,
        title: `rejects with ${other(algorithm)} what was encrypted with ${algorithm} (INVALID_CIPHERTEXT)`,
        needs: [...ALGORITHMS.map((each) => `algorithm:${each}` as const), 'key:RSA_2048'],
        async run(context) {
          const key = { keyId: await context.keys.get('RSA_2048'), algorithm };
          for (const sealed of [await seal(context, key), await sealOutside(context, key)]) {
            const call = open(context.provider, { ...sealed, algorithm: other(algorithm) });
            await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
          }
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
    COMBINATIONS.flatMap(({ number, name, spec, algorithm, needs, maximum }): CaseInput[] => [
      {
        id: `RSL-1${number}`,
        title: `${name}: encrypts ${maximum} bytes, and 1`,
        needs,
        async run(context) {
          const key = { keyId: await context.keys.get(spec), algorithm };
          for (const size of [maximum, 1]) {
            await roundTrip(context, { ...key, plaintext: context.secret(size) });
          }
        },
      },
      {
        id: `RSL-2${number}`,
        title: `${name}: rejects ${maximum + 1} bytes (INVALID_INPUT)`,
        needs,
        async run({ provider, keys, secret }) {
          const input = { keyId: await keys.get(spec), plaintext: secret(maximum + 1), algorithm };
          const details = { operation: 'encrypt', field: 'plaintext' };
          await expectError(provider.encrypt(input), 'INVALID_INPUT', details);
        },
      },
      {
        id: `RSL-3${number}`,
        title: `${name}: decrypts ${maximum} bytes that were encrypted outside`,
        needs,
        async run(context) {
          const key = { keyId: await context.keys.get(spec), algorithm };
          await expectOpens(
            context.provider,
            await sealOutside(context, key, context.secret(maximum)),
          );
        },
      },
    ]),
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
