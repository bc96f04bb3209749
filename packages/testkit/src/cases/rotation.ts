import { type CaseContext, type CaseInput, casesOf, kmsGuide } from '../case.js';
import { check, expectError, expectField, expectKeyArn, wrongKeyCode } from '../expect.js';
import { SYMMETRIC } from '../needs.js';
import { openingUses, sealBy, sealingUses } from '../operations.js';
import { expectOpens, type Known, open, seal } from '../round-trip.js';

export const rotation = {
  id: 'rotation',
  statement:
    'After rotation old ciphertexts decrypt and new ones use the new key version; the ARN stays',
  source: kmsGuide('rotate-keys.html'),
  power:
    'A version that is not used, or comes again, within 12 rotations always (soak: 270, or as many as the backend makes).',
};

const VERSION = ['keyVersion'] as const;

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
      title: 'makes new ciphertexts with the new key version, and says so',
      needs: VERSION,
      run: (context) =>
        expectNewVersion(context, async (keyId) => (await seal(context, { keyId })).ciphertext),
    },
    ...sealingUses.map(
      (use): CaseInput => ({
        id: `ROT-10${use.number}`,
        title: `${use.title} uses the new key version; earlier ciphertexts still decrypt`,
        needs: [...use.needs, ...VERSION],
        run: (context) => expectNewVersion(context, (keyId) => sealBy(use, context, { keyId })),
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
      id: 'ROT-301',
      title:
        'each of 12 rotations (soak: 270, or as many as the backend makes) gives a version that was never used',
      needs: VERSION,
      profile: 'full',
      async run(context) {
        const { provider, keys, secret } = context;
        const keyId = await keys.create();
        const made: { readonly known: Known; readonly version: unknown }[] = [];
        const encrypt = async () => {
          const known = await seal(context, { keyId, plaintext: secret() });
          const opened = await expectOpens(provider, known);
          return { known, version: opened.keyVersion };
        };
        made.push(await encrypt());
        await rotateTimes(context, keyId, context.profile === 'soak' ? 270 : 12, async () => {
          const each = await encrypt();
          check(
            made.every(({ version }) => version !== each.version),
            'a new key version after each rotation',
            `${String(each.version)} again after ${made.length} rotations`,
          );
          made.push(each);
        });
        for (const { known, version } of made) {
          const opened = await expectOpens(provider, known, 'the plaintext of an old version');
          expectField(opened.keyVersion, version, 'keyVersion');
        }
      },
    },
    {
      id: 'ROT-004',
      title: 'still distinguishes keys after rotation',
      async run(context) {
        const { provider, keys } = context;
        const keyId = await keys.create();
        const sealed = await seal(context, { keyId });
        await keys.rotate(keyId);
        const call = open(provider, { ...sealed, keyId: await keys.get() });
        await expectError(call, wrongKeyCode(provider), { operation: 'decrypt' });
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
        const unbound = await seal(context, { keyId: bound.keyId });
        await keys.rotate(bound.keyId);
        const { encryptionContext } = bound;
        const other = open(provider, { ...unbound, encryptionContext });
        await expectError(other, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        for (const sealed of [old, await seal(context, bound)]) {
          const rejected = open(provider, { ...sealed, encryptionContext: undefined });
          await expectError(rejected, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
          await expectOpens(provider, sealed);
        }
      },
    },
    {
      id: 'ROT-006',
      title: 'reEncrypt under the same key moves an old ciphertext, which then decrypts',
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

/** Rotates a key so often, or as often as the backend allows: AWS KMS has a limit. It must be at least four times. */
async function rotateTimes(
  { keys }: CaseContext,
  keyId: string,
  count: number,
  after: () => Promise<void>,
): Promise<void> {
  for (let rotations = 0; rotations < count; rotations++) {
    try {
      await keys.rotate(keyId);
    } catch (error) {
      if (rotations < 4) throw error;
      return;
    }
    await after();
  }
}

/**
 * Makes a ciphertext before and after a rotation, and expects that results say which version of the key each needs.
 * Nothing else shows it: a header may be opaque, and stay or change as it likes.
 */
async function expectNewVersion(
  { provider, keys }: CaseContext,
  make: (keyId: string) => Promise<Uint8Array>,
): Promise<void> {
  const keyId = await keys.create();
  const versionOf = async (ciphertext: Uint8Array) =>
    (await provider.decrypt({ keyId, ciphertext })).keyVersion;
  const old = await make(keyId);
  const before = await versionOf(old);
  await keys.rotate(keyId);
  const after = await versionOf(await make(keyId));
  check(before !== undefined && after !== undefined, 'a keyVersion in each result', 'none');
  check(before !== after, 'a ciphertext of the new key version', `one of ${after}, as before`);
  const again = await versionOf(old);
  check(again === before, `the old ciphertext still of the version ${before}`, `of ${again}`);
}
