import type { EncryptionAlgorithm } from '@keywrap/core';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { expectError } from '../expect.js';
import { CALLS, withValue } from '../input-calls.js';
import { PAIR_SPECS } from '../key-pair-check.js';
import { invoke } from '../key-use.js';
import { type Need, OWN_RUNTIME, SYMMETRIC } from '../needs.js';

const undeclared = {
  id: 'undeclared-unsupported',
  statement: 'A provider rejects everything that it does not declare (UNSUPPORTED)',
  source: CONTRACT,
};

const ALGORITHMS: readonly EncryptionAlgorithm[] = [
  'SYMMETRIC_DEFAULT',
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSAES_OAEP_SHA_384',
  'RSAES_OAEP_SHA_512',
];

/** Returns a key of any kind that the provider has, and its algorithm. */
async function anyKey({ provider, keys }: CaseContext) {
  const isSymmetric = provider.capabilities.algorithms.includes('SYMMETRIC_DEFAULT');
  const kind = isSymmetric ? 'SYMMETRIC_DEFAULT' : 'RSA_2048';
  const algorithm: EncryptionAlgorithm = isSymmetric ? 'SYMMETRIC_DEFAULT' : keys.rsaAlgorithm;
  return { ...(await keys.sealed(kind)), algorithm };
}

/** Every path of an encryption context. */
const CONTEXTS = CALLS.flatMap((call) => (call.contexts ?? []).map((path) => ({ call, path })));

const cases: CaseInput[] = [
  ...ALGORITHMS.flatMap((algorithm, i): CaseInput[] => {
    const needs: Need[] = [`without algorithm:${algorithm}`];
    return [
      {
        id: `UNS-10${i + 1}`,
        title: `rejects encrypt with ${algorithm}`,
        needs,
        async run(each) {
          const { keyId } = await anyKey(each);
          const call = each.provider.encrypt({ keyId, plaintext: each.secret(), algorithm });
          await expectError(call, 'UNSUPPORTED', { operation: 'encrypt' });
        },
      },
      {
        id: `UNS-20${i + 1}`,
        title: `rejects decrypt with ${algorithm}`,
        needs,
        async run(each) {
          const { provider } = each;
          const { keyId, ciphertext } = await anyKey(each);
          if (algorithm === 'SYMMETRIC_DEFAULT') {
            const call = provider.decrypt({ keyId, ciphertext });
            await expectError(call, 'UNSUPPORTED', { operation: 'decrypt' });
          } else {
            const call = provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
            await expectError(call, 'UNSUPPORTED', { operation: 'decryptAsymmetric' });
          }
        },
      },
      ...(['source', 'destination'] as const).map(
        (side, j): CaseInput => ({
          id: `UNS-${j + 3}0${i + 1}`,
          title: `rejects reEncrypt with ${algorithm} on the ${side} side`,
          needs,
          async run(each) {
            const { ciphertext, ...known } = await anyKey(each);
            const input = { ciphertext, source: known, destination: known };
            const other = { keyId: known.keyId, algorithm };
            const call = each.provider.reEncrypt({ ...input, [side]: other });
            await expectError(call, 'UNSUPPORTED', { operation: 'reEncrypt' });
          },
        }),
      ),
    ];
  }),
  ...CONTEXTS.map(
    ({ call, path }, i): CaseInput => ({
      id: `UNS-50${i + 1}`,
      title: `rejects ${call.operation} with ${path}`,
      needs: [...call.needs, 'without encryptionContext'],
      async run(each) {
        const input = withValue(await call.input(each), path, { tenant: 'a' });
        const rejected = invoke(each.provider, call, input);
        await expectError(rejected, 'UNSUPPORTED', { operation: call.operation });
      },
    }),
  ),
  {
    id: 'UNS-601',
    title: 'rejects decrypt without a keyId',
    needs: [...SYMMETRIC, 'without keyIdFromCiphertext'],
    async run({ provider, keys }) {
      const { ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
      await expectError(provider.decrypt({ ciphertext }), 'UNSUPPORTED', {
        operation: 'decrypt',
      });
    },
  },
  {
    id: 'UNS-602',
    title: 'rejects reEncrypt without a keyId for the source',
    needs: [...SYMMETRIC, 'without keyIdFromCiphertext'],
    async run({ provider, keys }) {
      const { ciphertext, keyId } = await keys.sealed('SYMMETRIC_DEFAULT');
      for (const source of [undefined, {}]) {
        const call = provider.reEncrypt({ ciphertext, source, destination: { keyId } });
        await expectError(call, 'UNSUPPORTED', { operation: 'reEncrypt' });
      }
    },
  },
  ...(['generateDataKey', 'generateDataKeyWithoutPlaintext'] as const).map(
    (operation, i): CaseInput => ({
      id: `UNS-70${i + 1}`,
      title: `rejects ${operation}`,
      needs: ['without dataKeys'],
      async run(each) {
        const { keyId } = await anyKey(each);
        const call = each.provider[operation]({ keyId, keySpec: 'AES_256' });
        await expectError(call, 'UNSUPPORTED', { operation });
      },
    }),
  ),
  ...PAIR_SPECS.flatMap((keyPairSpec, i) =>
    (['generateDataKeyPair', 'generateDataKeyPairWithoutPlaintext'] as const).map(
      (operation, j): CaseInput => ({
        id: `UNS-8${j + 1}${i + 1}`,
        title: `rejects ${operation} of ${keyPairSpec}`,
        needs: [`without pair:${keyPairSpec}`],
        async run(each) {
          const { keyId } = await anyKey(each);
          const call = each.provider[operation]({ keyId, keyPairSpec });
          await expectError(call, 'UNSUPPORTED', { operation });
        },
      }),
    ),
  ),
  {
    id: 'UNS-901',
    title: 'rejects getPublicKey, without an asymmetric algorithm',
    needs: ['without asymmetric'],
    async run(each) {
      // The harness may still make RSA keys; undeclared operations are rejected for them too.
      const hasRsa = await each.keys.isAvailable('RSA_2048');
      const keyId = hasRsa ? await each.keys.get('RSA_2048') : (await anyKey(each)).keyId;
      const call = each.provider.getPublicKey({ keyId });
      await expectError(call, 'UNSUPPORTED', { operation: 'getPublicKey' });
    },
  },
];

export const undeclaredCases = casesOf(undeclared, cases, [OWN_RUNTIME]);
