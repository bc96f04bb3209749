import { type CaseInput, casesOf, kmsGuide } from '../case.js';
import { check, expectError, expectField, expectKeyArn } from '../expect.js';
import type { KeyRing } from '../key-ring.js';
import { SYMMETRIC } from '../needs.js';
import { openingUses, sealBy, sealingUses } from '../operations.js';
import { expectOpens, type Known, open, seal } from '../round-trip.js';

const rotation = {
  id: 'rotation',
  statement:
    'After rotation old ciphertexts decrypt and new ones use the new key version; the ARN stays',
  source: kmsGuide('rotate-keys.html'),
};

export const rotationCases = casesOf(
  rotation,
  [
    {
      id: 'ROT-001',
      title: 'opens ciphertexts from before each of three rotations',
      async run(context) {
        const { provider, keys } = context;
        const key = { keyId: await keys.create() };
        const made: Known[] = [];
        for (let rotations = 0; rotations <= 3; rotations++) {
          if (rotations > 0) await keys.rotate(key.keyId);
          made.push(await seal(context, key));
          for (const sealed of made) {
            await expectOpens(provider, sealed, `after ${rotations} rotations, the plaintext`);
          }
        }
      },
    },
    {
      id: 'ROT-002',
      title: 'keeps the ARN, in results and in the description',
      async run(context) {
        const { provider, keys, secret } = context;
        const keyId = await keys.create();
        const old = await seal(context, { keyId });
        await keys.rotate(keyId);
        expectKeyArn((await open(provider, old)).keyId, keyId);
        expectKeyArn((await provider.encrypt({ keyId, plaintext: secret() })).keyId, keyId);
        const description = await provider.describeKey({ keyId });
        expectKeyArn(description.keyId, keyId);
        expectField(description.keyState, 'Enabled', 'keyState');
      },
    },
    {
      id: 'ROT-003',
      title: 'makes new ciphertexts with the new key version, as their header shows',
      async run(context) {
        const plaintext = context.secret();
        await expectNewMaterial(
          context.keys,
          async (keyId) => (await seal(context, { keyId, plaintext })).ciphertext,
        );
      },
    },
    ...sealingUses.map(
      (use): CaseInput => ({
        id: `ROT-10${use.number}`,
        title: `${use.title} uses the new key version; earlier ciphertexts still decrypt`,
        needs: use.needs,
        async run(context) {
          const made: { readonly keyId: string; readonly ciphertext: Uint8Array }[] = [];
          await expectNewMaterial(context.keys, async (keyId) => {
            const ciphertext = await sealBy(use, context, { keyId });
            made.push({ keyId, ciphertext });
            return ciphertext;
          });
          for (const each of made) await open(context.provider, each);
        },
      }),
    ),
    ...openingUses
      .filter(({ kind }) => kind === 'SYMMETRIC_DEFAULT')
      .map(
        (use): CaseInput => ({
          id: `ROT-2${use.number}`,
          title: `${use.title}: decrypts the ciphertexts of each of three key versions`,
          needs: use.needs,
          async run(context) {
            const keyId = await context.keys.create();
            const made: Known[] = [];
            for (let rotations = 0; rotations <= 2; rotations++) {
              if (rotations > 0) await context.keys.rotate(keyId);
              made.push(await seal(context, { keyId }));
            }
            for (const sealed of made) expectKeyArn(await use.call(context, sealed), keyId);
          },
        }),
      ),
    {
      id: 'ROT-004',
      title: 'still distinguishes keys after rotation (INCORRECT_KEY)',
      async run(context) {
        const { provider, keys } = context;
        const keyId = await keys.create();
        const sealed = await seal(context, { keyId });
        await keys.rotate(keyId);
        const call = open(provider, { ...sealed, keyId: await keys.get() });
        await expectError(call, 'INCORRECT_KEY', { operation: 'decrypt' });
      },
    },
    {
      id: 'ROT-005',
      title: 'binds old and new ciphertexts to their context after rotation',
      needs: ['encryptionContext'],
      async run(context) {
        const { provider, keys } = context;
        const bound = { keyId: await keys.create(), encryptionContext: { tenant: 'a' } };
        const old = await seal(context, bound);
        await keys.rotate(bound.keyId);
        for (const sealed of [old, await seal(context, bound)]) {
          const rejected = open(provider, { ...sealed, encryptionContext: undefined });
          await expectError(rejected, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
          await expectOpens(provider, sealed);
        }
      },
    },
    {
      id: 'ROT-006',
      title: 'reEncrypt under the same key moves an old ciphertext to the new key version',
      async run(context) {
        const { provider, keys } = context;
        const key = { keyId: await keys.create() };
        const old = await seal(context, key);
        await keys.rotate(key.keyId);
        const input = { ciphertext: old.ciphertext, source: key, destination: key };
        const { ciphertext } = await provider.reEncrypt(input);
        await expectOpens(provider, { ...old, ciphertext });
      },
    },
  ],
  [...SYMMETRIC, 'keys.rotate'],
);

/** Key material is not visible from outside, but a ciphertext must identify its key version. */
async function expectNewMaterial(
  keys: KeyRing,
  seal: (keyId: string) => Promise<Uint8Array>,
): Promise<void> {
  const keyId = await keys.create();
  const make = async () => {
    const made: Uint8Array[] = [];
    for (let i = 0; i < 12; i++) made.push(await seal(keyId));
    return made;
  };
  const before = headerOf(await make());
  await keys.rotate(keyId);
  const after = headerOf(await make());
  // A ciphertext that is random in every byte reveals nothing, and passes.
  check(
    before.size === 0 || [...before].some(([index, byte]) => after.get(index) !== byte),
    'ciphertexts whose header has another key version after rotation',
    'the same header as before',
  );
}

/** Returns the bytes that all these ciphertexts share: those of twelve random ones agree once in 2^88. */
function headerOf(ciphertexts: readonly Uint8Array[]): Map<number, number> {
  const header = new Map<number, number>();
  const [first, ...others] = ciphertexts;
  first?.forEach((byte, index) => {
    if (others.every((other) => other[index] === byte)) header.set(index, byte);
  });
  return header;
}
