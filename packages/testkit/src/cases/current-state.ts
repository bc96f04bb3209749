import type { KeyWrapProvider } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsGuide } from '../case.js';
import { check, errorOf, expectBytes, expectError, expectField, expectKeyArn } from '../expect.js';
import { arnIn, invoke, type KeyUse, type Kind, type Result } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import {
  allUses,
  namesOf,
  needsOf,
  newAlias,
  openingUses,
  sealBy,
  sealingUses,
  useNumbered,
  usesFor,
} from '../operations.js';
import { type Known, keyOfKind, open, seal } from '../round-trip.js';
import { callAgain, instancesOf, type Warm, warmUp } from '../warm-calls.js';

const current = {
  id: 'current-state',
  statement:
    'A change of a key or an alias holds for the next call of every instance, under each of its names, whatever was called before or is in flight',
  source: kmsGuide('alias-using.html'),
  power:
    'Always, by full: a state, an alias or a key version that any call goes on using after the change, under any name, from a cache that earlier calls filled or calls in flight fill; with reopen, in another instance too. Not found: one that only an entry older than the case goes on using.',
};

const KINDS: readonly Kind[] = ['SYMMETRIC_DEFAULT', 'RSA_2048'];

/** A change that forbids every use of a key. */
const FORBIDDING = [
  ['1', 'disable', 'KEY_DISABLED'],
  ['2', 'scheduleDeletion', 'KEY_STATE'],
] as const;

/** The uses that have the result of the one key or of the other while an alias moves. */
const needsNoCiphertext = (use: KeyUse) => !openingUses.includes(use);

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
            const { keys } = context;
            const keyId = await keys.create(kind);
            const warm = await warmUp(
              context,
              await seal(context, keyOfKind(context, kind, keyId)),
            );
            // What a call finds out before the change must not be kept after it.
            const during = warm.map((each) => errorOf(callAgain(each)));
            await keys[change](keyId);
            for (const [j, error] of (await Promise.all(during)).entries()) {
              const { operation } = (warm[j] as Warm).use;
              if (error !== undefined)
                await expectError(Promise.reject(error), code, { operation });
            }
            for (const each of warm) {
              await expectError(callAgain(each), code, { operation: each.use.operation });
            }
            if (change !== 'disable' || !keys.can('enable')) return;
            await keys.enable(keyId);
            for (const each of warm) await callAgain(each);
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
          const warm = await warmUp(context, await seal(context, keyOfKind(context, kind, keyId)));
          await keys.destroy(keyId);
          // A new key may get the slot or the handle of the old one, but not its names.
          await keys.create(kind);
          for (const each of warm) {
            const { operation, keyIdField } = each.use;
            // AWS KMS does not say whether a ciphertext names a key that was never there.
            const code = keyIdField === undefined ? 'ACCESS_DENIED' : 'KEY_NOT_FOUND';
            await expectError(callAgain(each), code, { operation });
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
          title: `${use.title}: an alias that was moved is the other key, in the next call of each instance`,
          needs: [...needsOf(use.kind), ...use.needs, 'keys.alias', 'keys.moveAlias'],
          profile: 'full',
          async run(context) {
            const { keys } = context;
            const both = [await keys.sealed(use.kind), await keys.sealed(use.kind, 1)] as const;
            const instances = await instancesOf(context);
            const alias = newAlias();
            await keys.alias(alias, both[0].keyId);
            for (const key of [both[0], both[1], both[0]]) {
              const input = await use.input(context, { keyId: alias, ciphertext: key.ciphertext });
              const during = needsNoCiphertext(use)
                ? instances.flatMap((provider) =>
                    Array.from({ length: 4 }, () => invoke(provider, use, input)),
                  )
                : [];
              await keys.moveAlias(alias, key.keyId);
              // Of the one key or of the other, and the result says of which.
              for (const result of await Promise.all(during)) {
                await expectMadeBy(context, use, arnIn(result, use), result);
              }
              for (const provider of [...instances, ...instances]) {
                const result = await invoke(provider, use, input);
                expectKeyArn(arnIn(result, use), key.keyId);
                await expectMadeBy(context, use, key.keyId, result);
              }
              if (needsNoCiphertext(use)) continue;
              const { ciphertext } = both[key === both[0] ? 1 : 0];
              const wrong = await use.input(context, { keyId: alias, ciphertext });
              for (const provider of instances) {
                const codes = ['INCORRECT_KEY', 'INVALID_CIPHERTEXT'] as const;
                await expectError(invoke(provider, use, wrong), codes, {
                  operation: use.operation,
                });
              }
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
        title:
          'an alias that was not found is found as soon as it exists, by each call and instance',
        needs: ['keys.alias'],
        async run(context) {
          const { keys } = context;
          const alias = newAlias();
          const uses = (await usesFor(context)).filter(
            ({ kind, keyIdField }) => kind === 'SYMMETRIC_DEFAULT' && keyIdField !== undefined,
          );
          const { keyId, ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
          const calls: Warm[] = [];
          for (const provider of await instancesOf(context)) {
            for (const use of uses) {
              const input = await use.input(context, { keyId: alias, ciphertext });
              calls.push({ provider, use, input });
            }
          }
          for (const each of [...calls, ...calls]) {
            await expectError(callAgain(each), 'KEY_NOT_FOUND', { operation: each.use.operation });
          }
          await keys.alias(alias, keyId);
          for (const each of calls) expectKeyArn(arnIn(await callAgain(each), each.use), keyId);
        },
      },
      {
        id: 'STA-402',
        title: 'describeKey tells the state of now, under each name, to each instance',
        needs: ['keys.disable', 'keys.enable'],
        async run(context) {
          const { keys } = context;
          const keyId = await keys.create();
          const names = await namesOf(context, keyId);
          const instances = await instancesOf(context);
          const expectState = async (state: string) => {
            for (const provider of instances) {
              for (const name of names) {
                const { keyState } = await provider.describeKey({ keyId: name });
                expectField(keyState, state, 'keyState');
              }
            }
          };
          for (const state of ['Enabled', 'Disabled', 'Enabled', 'Disabled'] as const) {
            await expectState(state);
            await keys[state === 'Enabled' ? 'disable' : 'enable'](keyId);
          }
          if (!keys.can('scheduleDeletion')) return;
          await keys.scheduleDeletion(keyId);
          await expectState('PendingDeletion');
        },
      },
      {
        id: 'STA-403',
        title:
          'of several aliases of a key, one that is moved leaves the others; it is free of what its old key is',
        needs: ['keys.alias', 'keys.moveAlias', 'keys.disable'],
        profile: 'full',
        async run(context) {
          const { keys } = context;
          const [old, next] = [await keys.create(), await keys.create()];
          const aliases = [newAlias(), newAlias(), newAlias()] as const;
          for (const alias of aliases) await keys.alias(alias, old);
          const instances = await instancesOf(context);
          const plaintext = context.secret();
          const expectKeys = async (wanted: readonly (string | undefined)[]) => {
            for (const provider of instances) {
              for (const [i, keyId] of aliases.entries()) {
                const call = provider.encrypt({ keyId, plaintext });
                const arn = wanted[i];
                if (arn === undefined)
                  await expectError(call, 'KEY_DISABLED', { operation: 'encrypt' });
                else expectKeyArn((await call).keyId, arn);
              }
            }
          };
          await expectKeys([old, old, old]);
          await keys.moveAlias(aliases[1], next);
          await expectKeys([old, next, old]);
          await keys.disable(old);
          await expectKeys([undefined, next, undefined]);
          await keys.moveAlias(aliases[2], next);
          await expectKeys([undefined, next, next]);
        },
      },
      {
        id: 'STA-404',
        title:
          'a rotation holds for the next call that encrypts, under each name, by each instance',
        needs: ['keyVersion', 'keys.rotate'],
        profile: 'full',
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.create();
          const names = await namesOf(context, keyId);
          const instances = await instancesOf(context);
          const uses = await usesFor(context, [useNumbered('01'), ...sealingUses]);
          const versions: unknown[] = [];
          for (let rotations = 0; rotations < 3; rotations++) {
            if (rotations > 0) await keys.rotate(keyId);
            const made = instances.flatMap((instance) =>
              names.flatMap((name) =>
                uses.map(async (use) => {
                  const own = { ...context, provider: instance };
                  const ciphertext = await sealBy(use, own, { keyId: name });
                  return (await provider.decrypt({ keyId, ciphertext })).keyVersion;
                }),
              ),
            );
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
    ],
    SYMMETRIC,
  ),
  ...casesOf(
    current,
    openingUses.map(
      (use): CaseInput => ({
        id: `STA-5${use.number}`,
        title: `${use.title}: an instance that only opens learns of each key version that another one uses`,
        needs: [
          ...use.needs,
          'reopen',
          'keys.rotate',
          ...(use.kind === 'RSA_2048' ? (['rotates RSA keys'] as const) : []),
        ],
        profile: 'full',
        async run(context) {
          const { keys } = context;
          const [one, other] = (await instancesOf(context)) as [KeyWrapProvider, KeyWrapProvider];
          for (const [writer, reader] of [
            [one, other],
            [other, one],
          ] as const) {
            const key = keyOfKind(context, use.kind, await keys.create(use.kind));
            const made: Known[] = [];
            for (let rotations = 0; rotations < 4; rotations++) {
              if (rotations > 0) await keys.rotate(key.keyId);
              made.push(await seal({ ...context, provider: writer }, key));
              for (const known of made) {
                const input = await use.input(context, known);
                const result = await invoke(reader, use, input);
                expectKeyArn(arnIn(result, use), key.keyId);
                if (!use.returns.includes('plaintext')) continue;
                expectBytes(
                  result.plaintext,
                  known.plaintext,
                  'the plaintext of the other instance',
                );
              }
            }
          }
        },
      }),
    ),
  ),
];

/** Fails the case unless what a call made under an alias decrypts with the key that the alias is now. */
async function expectMadeBy(
  { provider, keys }: CaseContext,
  { operation, keyIdField, kind }: KeyUse,
  keyId: string,
  result: Partial<Result>,
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
