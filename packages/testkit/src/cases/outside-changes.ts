import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectError, expectField, expectKeyArn } from '../expect.js';
import { arnIn, invoke, type KeyUse, type Kind } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { keyUses, needsOf } from '../operations.js';
import { expectOpens, keyOfKind, open, roundTrip, seal } from '../round-trip.js';
import { callAgain, instancesOf, warmUp } from '../warm-calls.js';

const outside = {
  id: 'outside-changes',
  statement:
    'What an administrator does to the backend has its documented effect, in every instance: removed versions, soft deletion, foreign keys and missing rights break neither the provider nor other calls, no key is called usable that is not, and each call needs its own right alone',
  source: CONTRACT,
  power:
    'Always, where the harness has the hook: a use that goes on after the change, a provider that breaks, a key that is called usable, in any call under any name, and the right to describe a key needed in order to use it or to read its public key, or the other way round. Removed versions and foreign keys in every profile, the others by full.',
};

const KINDS: readonly Kind[] = ['SYMMETRIC_DEFAULT', 'RSA_2048'];

/** What a ciphertext gets whose key version is gone: it can't be told from one that no version made. */
const GONE = ['INVALID_CIPHERTEXT', 'KEY_STATE', 'ACCESS_DENIED'] as const;

const UNUSABLE = ['KEY_STATE', 'KEY_DISABLED', 'KEY_NOT_FOUND', 'ACCESS_DENIED'] as const;

/** Anyone may have the public key, and encrypt with it. */
function needsSecret({ operation, kind, keyIdField }: KeyUse): boolean {
  if (kind === 'SYMMETRIC_DEFAULT') return true;
  const isPublic = operation === 'encrypt' || operation === 'getPublicKey';
  return !isPublic && keyIdField !== 'destination.keyId';
}

export const outsideChangeCases = [
  ...casesOf(
    outside,
    [
      {
        id: 'ADM-101',
        title: 'works with a key whose old versions were removed; what they made is rejected',
        needs: ['keys.rotate', 'keys.removeOldVersions'],
        async run(context) {
          const { provider, keys } = context;
          const instances = await instancesOf(context);
          const keyId = await keys.create();
          const old = [await seal(context, { keyId })];
          await keys.rotate(keyId);
          old.push(await seal(context, { keyId }));
          await keys.rotate(keyId);
          const sealed = await seal(context, { keyId });
          // A cache now has every version.
          for (const instance of instances) {
            for (const each of [...old, sealed]) await expectOpens(instance, each);
          }
          await keys.removeOldVersions(keyId);
          for (const instance of instances) {
            await expectOpens(instance, sealed);
            await roundTrip({ ...context, provider: instance }, { keyId });
            for (const each of old) {
              await expectError(open(instance, each), GONE, { operation: 'decrypt' });
              const moving = {
                ciphertext: each.ciphertext,
                source: { keyId },
                destination: { keyId },
              };
              await expectError(instance.reEncrypt(moving), GONE, { operation: 'reEncrypt' });
            }
          }
          const { keyState } = await provider.describeKey({ keyId });
          expectField(keyState, 'Enabled', 'keyState');
          // New versions are not taken for those that were removed, however they are counted.
          const kept = [sealed];
          for (let rotation = 0; rotation < 3; rotation++) {
            await keys.rotate(keyId);
            kept.push(await seal(context, { keyId }));
          }
          for (const each of kept) await expectOpens(provider, each);
          await roundTrip(context, { keyId });
        },
      },
    ],
    SYMMETRIC,
  ),
  ...casesOf(
    outside,
    KINDS.flatMap((kind, i): CaseInput[] => [
      {
        id: `ADM-2${i + 1}1`,
        title: `${kind}: calls a softly deleted key unusable, and rejects its use`,
        needs: [...needsOf(kind), 'keys.deleteSoftly'],
        profile: 'full',
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.create(kind);
          const warm = await warmUp(context, await seal(context, keyOfKind(context, kind, keyId)));
          await keys.deleteSoftly(keyId);
          for (const each of warm) {
            await expectError(callAgain(each), UNUSABLE, { operation: each.use.operation });
          }
          const state = await provider.describeKey({ keyId }).then(
            ({ keyState }) => keyState,
            (error: { code: string }) => error.code,
          );
          check(
            !['Enabled', 'INTERNAL', 'UNAVAILABLE'].includes(state),
            'a state in which the key can not be used, or KEY_NOT_FOUND',
            state,
          );
        },
      },
      {
        id: `ADM-40${i + 1}`,
        title: `${kind}: every call that uses the key needs no right to describe it`,
        needs: [...needsOf(kind), `denies describe ${kind}`],
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.create(kind);
          const warm = await warmUp(context, await seal(context, keyOfKind(context, kind, keyId)));
          await provider.describeKey({ keyId });
          await keys.deny(keyId, 'describe');
          // One that was opened since knows nothing of the key.
          const [, fresh = provider] = await instancesOf(context);
          for (const each of [...warm, ...warm.map((one) => ({ ...one, provider: fresh }))]) {
            expectKeyArn(arnIn(await callAgain(each), each.use), keyId);
          }
          for (const instance of [provider, fresh]) {
            await expectError(instance.describeKey({ keyId }), 'ACCESS_DENIED', {
              operation: 'describeKey',
            });
          }
        },
      },
      {
        id: `ADM-4${i + 1}2`,
        title: `${kind}: rejects what needs the key's secret without the right to use the key (ACCESS_DENIED)`,
        needs: [...needsOf(kind), `denies use ${kind}`],
        profile: 'full',
        async run(context) {
          const { keys } = context;
          const keyId = await keys.create(kind);
          const key = await seal(context, keyOfKind(context, kind, keyId));
          const other = await seal(context, keyOfKind(context, kind, await keys.create(kind)));
          const warm = await warmUp(context, key, needsSecret);
          await keys.deny(keyId, 'use');
          for (const each of warm) {
            await expectError(callAgain(each), 'ACCESS_DENIED', { operation: each.use.operation });
          }
          await expectOpens(context.provider, other, 'the plaintext of another key');
        },
      },
    ]),
  ),
  ...casesOf(
    outside,
    keyUses
      .filter(({ keyIdField }) => keyIdField !== undefined)
      .map(
        (use): CaseInput => ({
          id: `ADM-3${use.number}`,
          title: `${use.title}: rejects a key of a type that the provider can't use`,
          needs: [...use.needs, 'keys.createForeign'],
          async run(context) {
            const { provider, keys } = context;
            const keyId = await keys.once('a foreign key', () => keys.createForeign());
            const { ciphertext } = await keys.sealed(use.kind);
            const codes = [
              'KEY_USAGE',
              'UNSUPPORTED',
              'KEY_NOT_FOUND',
              'INCORRECT_KEY',
              'INVALID_CIPHERTEXT',
            ] as const;
            const contexts =
              provider.capabilities.encryptionContext && use.kind !== 'RSA_2048'
                ? [undefined, { tenant: 'a' }]
                : [undefined];
            for (const encryptionContext of contexts) {
              const input = await use.input(context, { keyId, ciphertext, encryptionContext });
              const { operation } = use;
              if (operation === 'getPublicKey') {
                // The key may have a public half, only not for encryption.
                const result = await invoke(provider, use, input).catch(() => undefined);
                const { algorithms = [] } = (result ?? {}) as { algorithms?: readonly string[] };
                check(algorithms.length === 0, 'no encryption algorithm', algorithms.join(', '));
                return;
              }
              await expectError(invoke(provider, use, input), codes, { operation });
            }
          },
        }),
      ),
  ),
];
