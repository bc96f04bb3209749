import { type AsymmetricAlgorithm, maximumPlaintextLength, type RsaKeySpec } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectBytes, expectError, expectKeyArn } from '../expect.js';
import { sealOutside } from '../outside.js';
import { plaintextsOfEveryKind } from '../plaintexts.js';

const outside = {
  id: 'asymmetric',
  statement:
    'What is encrypted with the public key by RSAES-OAEP, here or outside, decryptAsymmetric opens, with that hash alone',
  source: 'RFC 8017 section 7.1',
};

const length = {
  id: 'asymmetric-plaintext-length',
  statement: 'An RSA plaintext has 1 to k - 2 * hLen - 2 bytes',
  source: kmsApi('Encrypt'),
};

const noContext = {
  id: 'asymmetric-context',
  statement: 'An encryption context is refused with RSA, not ignored',
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

const rsa = ['asymmetric', 'key:RSA_2048'] as const;

export const asymmetricCases = [
  ...casesOf(
    outside,
    COMBINATIONS.flatMap(({ number, name, spec, modulus, algorithm, needs }): CaseInput[] => [
      {
        id: `RSA-1${number}`,
        title: `${name}: opens what was encrypted outside`,
        needs,
        async run({ provider, keys, secret }) {
          const keyId = await keys.get(spec);
          const plaintext = secret();
          const { publicKey } = await provider.getPublicKey({ keyId });
          const ciphertext = await sealOutside(publicKey, plaintext, algorithm);
          const result = await provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
          expectBytes(result.plaintext, plaintext, 'the plaintext that was encrypted outside');
          expectKeyArn(result.keyId, keyId);
          expectAlgorithm(result.algorithm, algorithm);
        },
      },
      {
        id: `RSA-2${number}`,
        title: `${name}: opens what it encrypted itself, in ${modulus} bytes`,
        needs,
        async run({ provider, keys, secret }) {
          const keyId = await keys.get(spec);
          const plaintext = secret();
          const sealed = await provider.encrypt({ keyId, plaintext, algorithm });
          expectKeyArn(sealed.keyId, keyId);
          expectAlgorithm(sealed.algorithm, algorithm);
          const { ciphertext } = sealed;
          check(
            ciphertext.length === modulus,
            `a ciphertext as long as the modulus, ${modulus} bytes`,
            `${ciphertext.length} bytes`,
          );
          const result = await provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
          expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
        },
      },
    ]),
  ),
  ...casesOf(outside, [
    ...ALGORITHMS.map(
      (algorithm, i): CaseInput => ({
        id: `RSA-30${i + 1}`,
        title: `refuses with ${other(algorithm)} what was made with ${algorithm} (INVALID_CIPHERTEXT)`,
        needs: [...ALGORITHMS.map((each) => `algorithm:${each}` as const), 'key:RSA_2048'],
        async run({ provider, keys, secret }) {
          const keyId = await keys.get('RSA_2048');
          const { publicKey } = await provider.getPublicKey({ keyId });
          const sealed = await provider.encrypt({ keyId, plaintext: secret(), algorithm });
          const outsider = await sealOutside(publicKey, secret(), algorithm);
          for (const ciphertext of [sealed.ciphertext, outsider]) {
            const call = provider.decryptAsymmetric({
              keyId,
              ciphertext,
              algorithm: other(algorithm),
            });
            await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
          }
        },
      }),
    ),
    {
      id: 'RSA-304',
      title: 'gives back plaintexts of every kind: zeros, ones, text and its blanks',
      needs: rsa,
      async run({ provider, keys }) {
        const key = { keyId: await keys.get('RSA_2048'), algorithm: keys.rsaAlgorithm };
        for (const plaintext of plaintextsOfEveryKind()) {
          const { ciphertext } = await provider.encrypt({ ...key, plaintext });
          const result = await provider.decryptAsymmetric({ ...key, ciphertext });
          expectBytes(result.plaintext, plaintext, `a plaintext of ${plaintext.length} bytes`);
        }
      },
    },
    {
      id: 'RSA-303',
      title: 'refuses what was made for another RSA key (INVALID_CIPHERTEXT)',
      needs: rsa,
      async run({ provider, keys, secret }) {
        const algorithm = keys.rsaAlgorithm;
        const made = { keyId: await keys.get('RSA_2048'), plaintext: secret(), algorithm };
        const { ciphertext } = await provider.encrypt(made);
        const keyId = await keys.get('RSA_2048', 1);
        const call = provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
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
        async run({ provider, keys, secret }) {
          const keyId = await keys.get(spec);
          for (const plaintext of [secret(maximum), secret(1)]) {
            const { ciphertext } = await provider.encrypt({ keyId, plaintext, algorithm });
            const result = await provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
            expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
          }
        },
      },
      {
        id: `RSL-2${number}`,
        title: `${name}: refuses ${maximum + 1} bytes (INVALID_INPUT)`,
        needs,
        async run({ provider, keys, secret }) {
          const input = { keyId: await keys.get(spec), plaintext: secret(maximum + 1), algorithm };
          const details = { operation: 'encrypt', field: 'plaintext' };
          await expectError(provider.encrypt(input), 'INVALID_INPUT', details);
        },
      },
      {
        id: `RSL-3${number}`,
        title: `${name}: opens ${maximum} bytes that were encrypted outside`,
        needs,
        async run({ provider, keys, secret }) {
          const keyId = await keys.get(spec);
          const plaintext = secret(maximum);
          const { publicKey } = await provider.getPublicKey({ keyId });
          const ciphertext = await sealOutside(publicKey, plaintext, algorithm);
          const result = await provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
          expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
        },
      },
    ]),
  ),
  ...casesOf(length, [
    {
      id: 'RSL-001',
      title: 'refuses an empty RSA plaintext (INVALID_INPUT)',
      needs: rsa,
      async run({ provider, keys }) {
        const algorithm = keys.rsaAlgorithm;
        const keyId = await keys.get('RSA_2048');
        const call = provider.encrypt({ keyId, plaintext: new Uint8Array(), algorithm });
        await expectError(call, 'INVALID_INPUT', { operation: 'encrypt', field: 'plaintext' });
      },
    },
  ]),
  ...casesOf(noContext, [
    {
      id: 'RSC-001',
      title: 'encrypt with RSA refuses an encryption context (INVALID_INPUT)',
      needs: rsa,
      async run({ provider, keys, secret }) {
        const input = {
          keyId: await keys.get('RSA_2048'),
          plaintext: secret(),
          algorithm: keys.rsaAlgorithm,
          encryptionContext: { tenant: 'a' },
        };
        const details = { operation: 'encrypt', field: 'encryptionContext' };
        await expectError(provider.encrypt(input as never), 'INVALID_INPUT', details);
      },
    },
    {
      id: 'RSC-002',
      title: 'decryptAsymmetric refuses an encryption context (INVALID_INPUT)',
      needs: rsa,
      async run({ provider, keys }) {
        const { keyId, ciphertext } = await keys.sealed('RSA_2048');
        const encryptionContext = { tenant: 'a' };
        const input = { keyId, ciphertext, algorithm: keys.rsaAlgorithm, encryptionContext };
        const details = { operation: 'decryptAsymmetric', field: 'encryptionContext' };
        await expectError(provider.decryptAsymmetric(input as never), 'INVALID_INPUT', details);
      },
    },
    ...(['source', 'destination'] as const).map(
      (side, i): CaseInput => ({
        id: `RSC-00${i + 3}`,
        title: `reEncrypt refuses an encryption context on an RSA ${side} (INVALID_INPUT)`,
        needs: rsa,
        async run({ provider, keys }) {
          const { keyId, ciphertext } = await keys.sealed('RSA_2048');
          const key = { keyId, algorithm: keys.rsaAlgorithm };
          const input = { ciphertext, source: key, destination: key };
          const wrong = { ...key, encryptionContext: { tenant: 'a' } };
          const call = provider.reEncrypt({ ...input, [side]: wrong } as never);
          const details = { operation: 'reEncrypt', field: `${side}.encryptionContext` };
          await expectError(call, 'INVALID_INPUT', details);
        },
      }),
    ),
  ]),
];

function expectAlgorithm(actual: unknown, expected: AsymmetricAlgorithm): void {
  check(actual === expected, `algorithm ${expected}`, `algorithm ${String(actual)}`);
}
