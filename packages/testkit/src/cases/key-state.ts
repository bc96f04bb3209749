import type { KeyWrapErrorCode } from '@keywrap/core';
import {
  type CaseContext,
  type CaseInput,
  CONTRACT,
  type ConformanceRule,
  casesOf,
  kmsGuide,
} from '../case.js';
import { expectError, expectField, wrongKeyCode } from '../expect.js';
import type { KeyKind, UnusableState } from '../key-ring.js';
import type { KeyUse, Kind } from '../key-use.js';
import { type Need, RSA, SYMMETRIC } from '../needs.js';
import { errorDetails, keyUses } from '../operations.js';
import { sealOutside } from '../outside.js';
import { expectOpens, keyOf, keyOfKind, open, roundTrip, seal } from '../round-trip.js';

const source = kmsGuide('key-state.html');

const disabled = {
  id: 'key-disabled',
  statement: 'Every use of a disabled key is rejected (KEY_DISABLED) until it is enabled again',
  source,
};

const pendingDeletion = {
  id: 'key-pending-deletion',
  statement:
    'Every use of a key pending deletion is rejected (KEY_STATE); a cancelled deletion leaves it disabled',
  source,
};

const pendingImport = {
  id: 'key-pending-import',
  statement: 'Every use of a key pending import is rejected (KEY_STATE)',
  source,
};

const decryptOnly = {
  id: 'key-decrypt-only',
  statement: 'A key that only decrypts is rejected for everything that encrypts (KEY_STATE)',
  source: CONTRACT,
};

const usage = {
  id: 'key-usage',
  statement: 'A key of another usage or algorithm is rejected (KEY_USAGE)',
  source: kmsGuide('symm-asymm-choose-key-usage.html'),
};

/** Every use that encrypts. */
const encryptingUses = keyUses.filter(
  ({ operation, keyIdField }) =>
    operation === 'encrypt' ||
    operation.startsWith('generate') ||
    keyIdField === 'destination.keyId',
);

const KINDS = [
  ['SYMMETRIC_DEFAULT', '1', [...SYMMETRIC, 'keys.restrictToDecrypt']],
  ['RSA_2048', '2', [...RSA, 'keys.restrictToDecrypt']],
] as const;

/** Makes a key that the case changes. */
async function newKey(context: CaseContext, kind: Kind) {
  return { ...(await keyOf(context, kind)), keyId: await context.keys.create(kind) };
}

async function stateOf({ provider }: CaseContext, keyId: string): Promise<string> {
  return (await provider.describeKey({ keyId })).keyState;
}

/** True if the ciphertext is another key's: AWS KMS does not document which of the two errors comes first. */
const decryptsForeign = ({ operation, keyIdField }: KeyUse) =>
  operation === 'decrypt' || keyIdField === 'source.keyId';

function stateCases(
  rule: ConformanceRule,
  letters: string,
  state: UnusableState,
  code: KeyWrapErrorCode,
  needsOf: (use: KeyUse) => readonly Need[],
) {
  // A key without key material never made a ciphertext that could name it.
  const uses = keyUses.filter((use) => state !== 'PendingImport' || use.keyIdField !== undefined);
  return casesOf(
    rule,
    uses.map(
      (use): CaseInput => ({
        id: `${letters}-0${use.number}`,
        title: `${use.title}: rejects a key that is ${state} (${code})`,
        needs: [...use.needs, ...needsOf(use)],
        async run(context) {
          const key = await context.keys.unusable(use.kind, state);
          const isForeign =
            state === 'PendingImport' && use.kind !== 'RSA_2048' && decryptsForeign(use);
          const codes = isForeign ? ([code, wrongKeyCode(context.provider)] as const) : code;
          await expectError(use.call(context, key), codes, errorDetails(use, key.keyId));
        },
      }),
    ),
  );
}

const OTHER_KEYS = [
  { letter: 'S', kind: 'RSA_2048/SIGN_VERIFY' },
  { letter: 'M', kind: 'HMAC_256/GENERATE_VERIFY_MAC' },
  { letter: 'E', kind: 'ECC_NIST_P256/SIGN_VERIFY' },
  { letter: 'A', kind: 'ECC_NIST_P256/KEY_AGREEMENT' },
] as const;

const wrapping = keyUses.filter(
  ({ operation, keyIdField }) => operation !== 'getPublicKey' && keyIdField !== undefined,
);

function usageCase(use: KeyUse, letter: string, kind: KeyKind): CaseInput {
  return {
    id: `USE-${letter}${use.number}`,
    title: `${use.title}: rejects a key of the kind ${kind} (KEY_USAGE)`,
    needs: [...use.needs, `key:${kind}`],
    async run(context) {
      const { ciphertext } = await context.keys.sealed(use.kind);
      const keyId = await context.keys.get(kind);
      const other = wrongKeyCode(context.provider);
      const codes = decryptsForeign(use) ? (['KEY_USAGE', other] as const) : 'KEY_USAGE';
      const call = use.call(context, { keyId, ciphertext });
      await expectError(call, codes, errorDetails(use, keyId));
    },
  };
}

export const keyStateCases = [
  ...stateCases(disabled, 'DIS', 'Disabled', 'KEY_DISABLED', () => ['keys.disable']),
  ...casesOf(disabled, [
    {
      id: 'DIS-101',
      title: 'decrypts old ciphertexts and makes new ones after the key is enabled again',
      needs: [...SYMMETRIC, 'keys.disable', 'keys.enable'],
      async run(context) {
        const { provider, keys } = context;
        const key = { keyId: await keys.create() };
        const sealed = await seal(context, key);
        await keys.disable(key.keyId);
        const details = { operation: 'decrypt', keyId: [key.keyId] };
        await expectError(open(provider, sealed), 'KEY_DISABLED', details);
        await keys.enable(key.keyId);
        await expectOpens(provider, sealed);
        await roundTrip(context, key);
      },
    },
    {
      id: 'DIS-102',
      title: 'does not affect other keys',
      needs: [...SYMMETRIC, 'keys.disable'],
      async run(context) {
        const other = await seal(context);
        await context.keys.disable(await context.keys.create());
        await expectOpens(context.provider, other);
      },
    },
  ]),
  ...stateCases(pendingDeletion, 'DEL', 'PendingDeletion', 'KEY_STATE', () => [
    'keys.scheduleDeletion',
  ]),
  ...casesOf(
    pendingDeletion,
    (['SYMMETRIC_DEFAULT', 'RSA_2048'] as const).map(
      (kind, i): CaseInput => ({
        id: `DEL-10${i + 1}`,
        title: `${kind}: a cancelled deletion leaves the key disabled, and whole`,
        needs: [
          ...(kind === 'RSA_2048' ? RSA : SYMMETRIC),
          ...(['keys.scheduleDeletion', 'keys.cancelDeletion', 'keys.enable'] as const),
        ],
        async run(context) {
          const { provider, keys } = context;
          const sealed = await seal(context, await newKey(context, kind));
          const { keyId } = sealed;
          await keys.scheduleDeletion(keyId);
          await keys.cancelDeletion(keyId);
          const { keyState, deletionDate } = await provider.describeKey({ keyId });
          expectField(keyState, 'Disabled', 'keyState');
          expectField(deletionDate, undefined, 'deletionDate');
          const operation = kind === 'RSA_2048' ? 'decryptAsymmetric' : 'decrypt';
          await expectError(open(provider, sealed), 'KEY_DISABLED', { operation, keyId: [keyId] });
          await keys.enable(keyId);
          await expectOpens(provider, sealed);
          await roundTrip(context, keyOfKind(context, kind, keyId));
        },
      }),
    ),
  ),
  ...stateCases(pendingImport, 'IMP', 'PendingImport', 'KEY_STATE', ({ kind }) => [
    `key:${kind}/EXTERNAL`,
  ]),
  ...casesOf(
    decryptOnly,
    KINDS.flatMap(([kind, number, needs]): CaseInput[] => [
      {
        id: `DEO-10${number}`,
        title: `${kind}: decrypts what the key encrypted before, and reEncrypt moves it away`,
        needs,
        async run(context) {
          const { provider, keys } = context;
          const sealed = await seal(context, await newKey(context, kind));
          await keys.restrictToDecrypt(sealed.keyId);
          expectField(await stateOf(context, sealed.keyId), 'DecryptOnly', 'keyState');
          await expectOpens(provider, sealed);
          const { ciphertext } = sealed;
          const destination = await keyOf(context, kind);
          const source = { ...destination, keyId: sealed.keyId };
          await provider.reEncrypt({ ciphertext, source, destination });
        },
      },
    ]),
  ),
  ...casesOf(
    decryptOnly,
    encryptingUses.map(
      (use): CaseInput => ({
        id: `DEO-0${use.number}`,
        title: `${use.title}: rejects a key that only decrypts (KEY_STATE)`,
        needs: [...use.needs, 'keys.restrictToDecrypt'],
        async run(context) {
          const { keyId } = await newKey(context, use.kind);
          await context.keys.restrictToDecrypt(keyId);
          await expectError(use.call(context, { keyId }), 'KEY_STATE', errorDetails(use, keyId));
        },
      }),
    ),
  ),
  ...casesOf(usage, [
    ...wrapping.flatMap((use) =>
      OTHER_KEYS.map(({ letter, kind }) => usageCase(use, letter, kind)),
    ),
    ...wrapping.map((use) =>
      usageCase(use, 'X', use.kind === 'RSA_2048' ? 'SYMMETRIC_DEFAULT' : 'RSA_2048'),
    ),
    ...(['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const).map(
      (algorithm, i): CaseInput => ({
        id: `USE-00${i + 1}`,
        title: `decryptAsymmetric rejects what was encrypted with ${algorithm} to a key that signs (KEY_USAGE)`,
        needs: [`algorithm:${algorithm}`, 'key:RSA_2048/SIGN_VERIFY'],
        async run(context) {
          const keyId = await context.keys.get('RSA_2048/SIGN_VERIFY');
          const call = open(context.provider, await sealOutside(context, { keyId, algorithm }));
          await expectError(call, 'KEY_USAGE', { operation: 'decryptAsymmetric', keyId: [keyId] });
        },
      }),
    ),
  ]),
];
