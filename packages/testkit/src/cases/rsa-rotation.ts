import type { AsymmetricAlgorithm } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf } from '../case.js';
import { flip } from '../damage.js';
import {
  expectDifferent,
  expectError,
  expectField,
  expectKeyArn,
  wrongKeyCode,
} from '../expect.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { sealOutside } from '../outside.js';
import { expectOpens, type Known, keyOf, open, seal } from '../round-trip.js';
import { rotation } from './rotation.js';

// AWS KMS rotates no RSA key, so these cases are for backends that do: OpenBao, Azure Key Vault.

const ROTATIONS = 3;

type RsaKey = { readonly keyId: string; readonly algorithm: AsymmetricAlgorithm };

/** Ciphertexts of an RSA key from before its first rotation and after each: of the provider, and of an outside party. */
async function acrossRotations(context: CaseContext): Promise<(Known & RsaKey)[]> {
  const { keys } = context;
  const key = { keyId: await keys.create('RSA_2048'), algorithm: keys.rsaAlgorithm };
  const made = [await seal(context, key), await sealOutside(context, key)];
  for (let rotations = 1; rotations <= ROTATIONS; rotations++) {
    await keys.rotate(key.keyId);
    made.push(await seal(context, key), await sealOutside(context, key));
  }
  return made;
}

const cases: readonly CaseInput[] = [
  {
    id: 'ROT-401',
    title: `RSA: decrypts what each of ${ROTATIONS + 1} key versions made, here and outside`,
    async run(context) {
      const made = await acrossRotations(context);
      for (const [index, each] of made.entries()) {
        const opened = await expectOpens(
          context.provider,
          each,
          `the plaintext of version ${(index >> 1) + 1}${index % 2 ? ', from outside' : ''}`,
        );
        expectKeyArn(opened.keyId, each.keyId);
      }
    },
  },
  {
    id: 'ROT-402',
    title: 'RSA: getPublicKey returns another public key after a rotation, under the same ARN',
    async run({ provider, keys }) {
      const keyId = await keys.create('RSA_2048');
      const before = await provider.getPublicKey({ keyId });
      await keys.rotate(keyId);
      const after = await provider.getPublicKey({ keyId });
      expectDifferent(before.publicKey, after.publicKey, 'public keys');
      expectKeyArn(after.keyId, keyId);
      const { keyState } = await provider.describeKey({ keyId });
      expectField(keyState, 'Enabled', 'keyState');
    },
  },
  {
    id: 'ROT-403',
    title:
      'RSA: encrypts with the newest key version: its ciphertexts decrypt when no other is left',
    needs: ['keys.removeOldVersions'],
    async run(context) {
      const { keys } = context;
      const key = { keyId: await keys.create('RSA_2048'), algorithm: keys.rsaAlgorithm };
      await seal(context, key);
      await keys.rotate(key.keyId);
      const sealed = [await seal(context, key), await sealOutside(context, key)];
      await keys.removeOldVersions(key.keyId);
      for (const each of sealed) await expectOpens(context.provider, each);
    },
  },
  {
    id: 'ROT-404',
    title: 'RSA: reEncrypt moves what an old version made',
    needs: SYMMETRIC,
    async run(context) {
      const { provider, keys } = context;
      const destination = { keyId: await keys.get() };
      for (const each of await acrossRotations(context)) {
        const { keyId, algorithm, plaintext } = each;
        const source = { keyId, algorithm };
        const moving = { ciphertext: each.ciphertext, source, destination };
        const { ciphertext } = await provider.reEncrypt(moving);
        await expectOpens(provider, { ...destination, plaintext, ciphertext });
      }
    },
  },
  {
    id: 'ROT-405',
    title: 'RSA: rejects damaged ciphertexts, and those of another key, after rotations',
    async run(context) {
      const { provider } = context;
      const made = await acrossRotations(context);
      const { keyId } = await keyOf(context, 'RSA_2048');
      const codes = [wrongKeyCode(provider), 'INVALID_CIPHERTEXT'] as const;
      for (const each of made) {
        const damaged = open(provider, { ...each, ciphertext: flip(each.ciphertext) });
        await expectError(damaged, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
        const other = open(provider, { ...each, keyId });
        await expectError(other, codes, { operation: 'decryptAsymmetric' });
      }
    },
  },
];

export const rsaRotationCases = casesOf(
  rotation,
  cases.map((each) => ({ ...each, profile: 'full' })),
  [...RSA, 'keys.rotate', 'rotates RSA keys'],
);
