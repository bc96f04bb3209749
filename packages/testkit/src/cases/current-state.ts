import { type CaseContext, type CaseInput, casesOf, kmsGuide } from '../case.js';
import { check, expectBytes, expectError, expectField, expectKeyArn } from '../expect.js';
import { arnIn, type Fields, invoke, type KeyUse, type Kind } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import {
  allUses,
  keyUses,
  namesOf,
  needsOf,
  newAlias,
  openingUses,
  usesFor,
} from '../operations.js';
import { open, seal } from '../round-trip.js';

const current = {
  id: 'current-state',
  statement:
    'A change of a key or an alias holds for the next call, under each of its names, whatever was called before',
  source: kmsGuide('alias-using.html'),
  power:
    'Always, by full: a state, an alias or a key version that any call goes on using after the change, under any name, from a cache that earlier calls filled. Not found: one that only an entry older than the case goes on using.',
};

const KINDS: readonly Kind[] = ['SYMMETRIC_DEFAULT', 'RSA_2048'];

interface Warm {
  readonly use: KeyUse;
  readonly input: Fields;
}

/** Makes every call that uses a key, under each name, so that a cache has what it keeps; returns their inputs. */
async function warmUp(context: CaseContext, kind: Kind, keyId: string): Promise<readonly Warm[]> {
  const { provider, keys } = context;
  const algorithm = kind === 'RSA_2048' ? { algorithm: keys.rsaAlgorithm } : {};
  const { ciphertext } = await seal(context, { keyId, ...algorithm });
  const uses = await usesFor(
    context,
    keyUses.filter((use) => use.kind === kind),
  );
  const warm: Warm[] = [];
  for (const name of await namesOf(context, keyId)) {
    for (const use of uses) {
      const input = await use.input(context, { keyId: name, ciphertext });
      for (let i = 0; i < 2; i++)
        expectKeyArn(arnIn(await invoke(provider, use, input), use), keyId);
      warm.push({ use, input });
    }
  }
  return warm;
}

/** A change that forbids every use of a key. */
const FORBIDDING = [
  ['1', 'disable', 'KEY_DISABLED'],
  ['2', 'scheduleDeletion', 'KEY_STATE'],
] as const;

export const currentStateCases = [
  ...casesOf(
    current,
    KINDS.flatMap((kind, i): CaseInput[] => [
      ...FORBIDDING.map(
        ([number, change, code]): CaseInput => ({
          id: `STA-${i + 1}0${number}`,
          title: `${kind}: rejects each call under each name as soon as the key changes: ${change} (${code})`,
          needs: [...needsOf(kind), `keys.${change}`],
          profile: 'full',
          async run(context) {
            const { provider, keys } = context;
            const keyId = await keys.create(kind);
            const warm = await warmUp(context, kind, keyId);
            await keys[change](keyId);
            for (const { use, input } of warm) {
              await expectError(invoke(provider, use, input), code, { operation: use.operation });
            }
            if (change !== 'disable' || !keys.can('enable')) return;
            await keys.enable(keyId);
            for (const { use, input } of warm) await invoke(provider, use, input);
          },
        }),
      ),
      {
        id: `STA-${i + 1}03`,
        title: `${kind}: a destroyed key is no longer there, under any name (KEY_NOT_FOUND)`,
        needs: [...needsOf(kind), 'keys.destroy'],
        profile: 'full',
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.create(kind);
          const warm = await warmUp(context, kind, keyId);
          await keys.destroy(keyId);
          for (const { use, input } of warm) {
            // AWS KMS does not say whether a ciphertext names a key that was never there.
            const code = use.keyIdField === undefined ? 'ACCESS_DENIED' : 'KEY_NOT_FOUND';
            await expectError(invoke(provider, use, input), code, { operation: use.operation });
          }
          await expectError(provider.describeKey({ keyId }), 'KEY_NOT_FOUND', {
            operation: 'describeKey',
          });
        },
      },
    ]),
  ),
  ...casesOf(
    current,
    allUses
      .filter(({ keyIdField }) => keyIdField !== undefined)
      .map(
        (use): CaseInput => ({
          id: `STA-3${use.number}`,
          title: `${use.title}: an alias that was moved is the other key, in the next call`,
          needs: [...needsOf(use.kind), ...use.needs, 'keys.alias', 'keys.moveAlias'],
          profile: 'full',
          async run(context) {
            const { provider, keys } = context;
            const both = [await keys.sealed(use.kind), await keys.sealed(use.kind, 1)] as const;
            const alias = newAlias();
            await keys.alias(alias, both[0].keyId);
            for (const key of [both[0], both[1], both[0]]) {
              await keys.moveAlias(alias, key.keyId);
              const input = await use.input(context, { keyId: alias, ciphertext: key.ciphertext });
              for (let i = 0; i < 2; i++) {
                const result = await invoke(provider, use, input);
                expectKeyArn(arnIn(result, use), key.keyId);
                await expectMadeBy(context, use, key.keyId, result as never);
              }
              if (!openingUses.includes(use)) continue;
              const other = both[key === both[0] ? 1 : 0];
              const wrong = await use.input(context, {
                keyId: alias,
                ciphertext: other.ciphertext,
              });
              const codes = ['INCORRECT_KEY', 'INVALID_CIPHERTEXT'] as const;
              await expectError(invoke(provider, use, wrong), codes, { operation: use.operation });
            }
          },
        }),
      ),
  ),
  ...casesOf(
    current,
    [
      {
        id: 'STA-401',
        title: 'an alias that was not found is found as soon as it exists',
        needs: ['keys.alias'],
        async run(context) {
          const { provider, keys, secret } = context;
          const keyId = await keys.get();
          const alias = newAlias();
          const input = { keyId: alias, plaintext: secret() };
          for (let i = 0; i < 3; i++) {
            await expectError(provider.encrypt(input), 'KEY_NOT_FOUND', { operation: 'encrypt' });
            await expectError(provider.describeKey({ keyId: alias }), 'KEY_NOT_FOUND', {
              operation: 'describeKey',
            });
          }
          await keys.alias(alias, keyId);
          expectKeyArn((await provider.encrypt(input)).keyId, keyId);
          expectKeyArn((await provider.describeKey({ keyId: alias })).keyId, keyId);
        },
      },
      {
        id: 'STA-402',
        title: 'describeKey tells the state of now, under each name',
        needs: ['keys.disable', 'keys.enable'],
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.create();
          const names = await namesOf(context, keyId);
          for (const state of ['Enabled', 'Disabled', 'Enabled'] as const) {
            for (const name of names) {
              expectField(
                (await provider.describeKey({ keyId: name })).keyState,
                state,
                'keyState',
              );
            }
            await keys[state === 'Enabled' ? 'disable' : 'enable'](keyId);
          }
        },
      },
      {
        id: 'STA-404',
        title: 'a rotation holds for the next call under each name',
        needs: ['keyVersion', 'keys.rotate'],
        profile: 'full',
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.create();
          const names = await namesOf(context, keyId);
          const plaintext = context.secret();
          const versions: unknown[] = [];
          for (let rotations = 0; rotations < 3; rotations++) {
            if (rotations > 0) await keys.rotate(keyId);
            const made = names.map(async (name) => {
              const { ciphertext } = await provider.encrypt({ keyId: name, plaintext });
              return (await provider.decrypt({ keyId, ciphertext })).keyVersion;
            });
            const seen = new Set(await Promise.all(made));
            check(seen.size === 1, 'one key version under each name', `${seen.size}`);
            versions.push(...seen);
          }
          check(
            new Set(versions).size === 3,
            'another key version after each rotation',
            'an old one',
          );
        },
      },
      {
        id: 'STA-403',
        title: 'two instances see the change that the backend made, each under each name',
        needs: ['reopen', 'keys.disable', 'keys.enable'],
        profile: 'full',
        async run(context) {
          const { keys } = context;
          const keyId = await keys.create();
          const names = await namesOf(context, keyId);
          const instances = [context.provider, await context.reopen()];
          const sealed = await seal(context, { keyId });
          for (const isEnabled of [true, false, true]) {
            if (!isEnabled) await keys.disable(keyId);
            for (const provider of instances) {
              for (const name of names) {
                const call = open(provider, { ...sealed, keyId: name });
                if (isEnabled)
                  expectBytes((await call).plaintext, sealed.plaintext, 'the plaintext');
                else await expectError(call, 'KEY_DISABLED', { operation: 'decrypt' });
              }
            }
            if (!isEnabled) await keys.enable(keyId);
          }
        },
      },
    ],
    SYMMETRIC,
  ),
];

/** Fails the case unless what a call made under an alias decrypts with the key that the alias is now. */
async function expectMadeBy(
  { provider, keys }: CaseContext,
  { operation, keyIdField, kind }: KeyUse,
  keyId: string,
  result: { ciphertext?: Uint8Array; privateKeyCiphertext?: Uint8Array; publicKey?: Uint8Array },
): Promise<void> {
  if (operation === 'getPublicKey') {
    const { publicKey } = await provider.getPublicKey({ keyId });
    expectBytes(result.publicKey, publicKey, 'the public key');
    return;
  }
  const sealed = result.privateKeyCiphertext ?? result.ciphertext;
  if (sealed === undefined || keyIdField === 'source.keyId') return;
  const algorithm = kind === 'RSA_2048' ? { algorithm: keys.rsaAlgorithm } : {};
  const opened = await open(provider, { keyId, ciphertext: sealed, ...algorithm } as never);
  check(opened.plaintext.length > 0, 'a plaintext', 'nothing');
}
