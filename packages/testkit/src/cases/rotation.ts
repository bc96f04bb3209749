import { type CaseInput, casesOf, kmsGuide } from '../case.js';
import { check, expectBytes, expectError, expectKeyArn } from '../expect.js';
import type { KeyRing } from '../key-ring.js';
import { openingUses } from '../key-uses.js';
import { sealingCalls } from '../sealing-calls.js';

const rotation = {
  id: 'rotation',
  statement: 'After rotation old ciphertexts open and new ones use new key material; the ARN stays',
  source: kmsGuide('rotate-keys.html'),
};

const needs = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT', 'keys.rotate'] as const;

export const rotationCases = casesOf(rotation, [
  {
    id: 'ROT-001',
    title: 'opens ciphertexts from before each of three rotations',
    needs,
    async run({ provider, keys, secret }) {
      const keyId = await keys.create();
      const made: { readonly plaintext: Uint8Array; readonly ciphertext: Uint8Array }[] = [];
      for (let rotations = 0; rotations <= 3; rotations++) {
        if (rotations > 0) await keys.rotate(keyId);
        const plaintext = secret();
        made.push({
          plaintext,
          ciphertext: (await provider.encrypt({ keyId, plaintext })).ciphertext,
        });
        for (const { plaintext, ciphertext } of made) {
          const result = await provider.decrypt({ keyId, ciphertext });
          expectBytes(result.plaintext, plaintext, `after ${rotations} rotations, the plaintext`);
        }
      }
    },
  },
  {
    id: 'ROT-002',
    title: 'keeps the ARN, in results and in the description',
    needs,
    async run({ provider, keys, secret }) {
      const keyId = await keys.create();
      const old = await provider.encrypt({ keyId, plaintext: secret() });
      await keys.rotate(keyId);
      const { ciphertext } = old;
      expectKeyArn((await provider.decrypt({ keyId, ciphertext })).keyId, keyId);
      expectKeyArn((await provider.encrypt({ keyId, plaintext: secret() })).keyId, keyId);
      const description = await provider.describeKey({ keyId });
      expectKeyArn(description.keyId, keyId);
      const { keyState } = description;
      check(keyState === 'Enabled', 'keyState Enabled', `keyState ${keyState}`);
    },
  },
  {
    id: 'ROT-003',
    title: 'makes new ciphertexts with the new key material, as their header shows',
    needs,
    async run({ provider, keys, secret }) {
      const plaintext = secret();
      await expectNewMaterial(
        keys,
        async (keyId) => (await provider.encrypt({ keyId, plaintext })).ciphertext,
      );
    },
  },
  ...sealingCalls.map(
    (call): CaseInput => ({
      id: `ROT-10${call.number}`,
      title: `${call.title} uses the new key material; what it wrapped before still opens`,
      needs: [...needs, ...call.needs],
      async run(context) {
        const made: { readonly keyId: string; readonly ciphertext: Uint8Array }[] = [];
        await expectNewMaterial(context.keys, async (keyId) => {
          const ciphertext = await (await call.prepare(context, { keyId }))();
          made.push({ keyId, ciphertext });
          return ciphertext;
        });
        for (const each of made) await context.provider.decrypt(each);
      },
    }),
  ),
  ...openingUses
    .filter(({ kind }) => kind === 'SYMMETRIC_DEFAULT')
    .map(
      (use): CaseInput => ({
        id: `ROT-2${use.number}`,
        title: `${use.title}: opens the ciphertexts of each of three key materials`,
        needs: [...needs, ...use.needs],
        async run(context) {
          const { provider, keys, secret } = context;
          const keyId = await keys.create();
          const made: Uint8Array[] = [];
          for (let rotations = 0; rotations <= 2; rotations++) {
            if (rotations > 0) await keys.rotate(keyId);
            made.push((await provider.encrypt({ keyId, plaintext: secret() })).ciphertext);
          }
          for (const ciphertext of made) {
            expectKeyArn(await use.call(context, { keyId, ciphertext }), keyId);
          }
        },
      }),
    ),
  {
    id: 'ROT-004',
    title: 'still tells the keys apart after rotation (INCORRECT_KEY)',
    needs,
    async run({ provider, keys, secret }) {
      const keyId = await keys.create();
      const { ciphertext } = await provider.encrypt({ keyId, plaintext: secret() });
      await keys.rotate(keyId);
      const call = provider.decrypt({ keyId: await keys.get(), ciphertext });
      await expectError(call, 'INCORRECT_KEY', { operation: 'decrypt' });
    },
  },
  {
    id: 'ROT-005',
    title: 'binds old and new ciphertexts to their context after rotation',
    needs: [...needs, 'encryptionContext'],
    async run({ provider, keys, secret }) {
      const keyId = await keys.create();
      const encryptionContext = { tenant: 'a' };
      const plaintext = secret();
      const old = await provider.encrypt({ keyId, plaintext, encryptionContext });
      await keys.rotate(keyId);
      const current = await provider.encrypt({ keyId, plaintext, encryptionContext });
      for (const { ciphertext } of [old, current]) {
        const refused = provider.decrypt({ keyId, ciphertext });
        await expectError(refused, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        const result = await provider.decrypt({ keyId, ciphertext, encryptionContext });
        expectBytes(result.plaintext, plaintext, 'the plaintext');
      }
    },
  },
  {
    id: 'ROT-006',
    title: 'reEncrypt under the same key moves an old ciphertext to the new key material',
    needs,
    async run({ provider, keys, secret }) {
      const keyId = await keys.create();
      const plaintext = secret();
      const old = await provider.encrypt({ keyId, plaintext });
      await keys.rotate(keyId);
      const input = { ciphertext: old.ciphertext, source: { keyId }, destination: { keyId } };
      const { ciphertext } = await provider.reEncrypt(input);
      const result = await provider.decrypt({ keyId, ciphertext });
      expectBytes(result.plaintext, plaintext, 'the plaintext');
    },
  },
]);

/** Key material can't be seen from outside, but a ciphertext has to say which opens it. */
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
  // One that is random in every byte says nothing at all, and passes.
  check(
    before.size === 0 || [...before].some(([index, byte]) => after.get(index) !== byte),
    'ciphertexts whose header names other key material after rotation',
    'the same header as before',
  );
}

/** The bytes that all these ciphertexts have in common: twelve random ones agree once in 2^88. */
function headerOf(ciphertexts: readonly Uint8Array[]): Map<number, number> {
  const header = new Map<number, number>();
  const [first, ...others] = ciphertexts;
  first?.forEach((byte, index) => {
    if (others.every((other) => other[index] === byte)) header.set(index, byte);
  });
  return header;
}
