import { type ArnScope, formatAliasArn, formatKeyArn, parseKeyId } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi, kmsGuide } from '../case.js';
import {
  check,
  expectError,
  expectField,
  expectKeyArn,
  expectKeyWrapError,
  Mismatch,
  rejectionOf,
  wrongKeyCode,
} from '../expect.js';
import type { KeyRing } from '../key-ring.js';
import { bareId, type KeyUse } from '../key-use.js';
import { type Need, SYMMETRIC } from '../needs.js';
import { allUses, errorDetails, keyFor, openingUses } from '../operations.js';

const forms = {
  id: 'key-id-forms',
  statement:
    'keyId accepts a key id, key ARN, alias name or alias ARN everywhere; results have the key ARN',
  source: kmsGuide('concepts.html#key-id'),
};

const named = {
  id: 'key-from-ciphertext',
  statement: 'A symmetric ciphertext identifies its key',
  source: kmsApi('Decrypt'),
};

const incorrect = {
  id: 'incorrect-key',
  statement:
    'A ciphertext of a key other than the named one is rejected (INCORRECT_KEY; INVALID_CIPHERTEXT if it does not identify its key)',
  source: kmsApi('Decrypt'),
};

const missing = {
  id: 'key-not-found',
  statement: 'A key or alias that does not exist is rejected (KEY_NOT_FOUND)',
  source: kmsApi('DescribeKey'),
};

const FORMS = [
  { letter: 'R', title: 'the key ARN', needs: [], of: async (arn: string) => arn },
  { letter: 'K', title: 'the key id', needs: [], of: async (arn: string) => bareId(arn) },
  { letter: 'N', title: 'an alias name', needs: ['keys.alias'], of: aliasOf },
  {
    letter: 'A',
    title: 'an alias ARN',
    needs: ['keys.alias'],
    of: async (arn: string, keys: KeyRing) =>
      formatAliasArn(await aliasOf(arn, keys), partsOf(arn)),
  },
] as const;

const naming = allUses.filter(({ keyIdField }) => keyIdField !== undefined);

/** Another name for a key, and the expected outcome of a call with it. */
interface Misnaming {
  readonly letter: string;
  readonly title: string;
  readonly needs: readonly Need[];
  of(arn: string, keys: KeyRing): Promise<readonly string[]> | readonly string[];
  rejected(use: KeyUse, keyId: string, call: Promise<unknown>): Promise<unknown>;
}

const MISNAMINGS: readonly Misnaming[] = [
  {
    ...{ letter: 'K', title: 'a key ARN that does not exist (KEY_NOT_FOUND)', needs: [] },
    of: (arn) => [formatKeyArn('00000000-0000-4000-8000-000000000000', partsOf(arn))],
    rejected: expectNotFound,
  },
  {
    ...{ letter: 'A', title: 'an alias that does not exist (KEY_NOT_FOUND)', needs: [] },
    of: () => ['alias/keywrap-no-such-alias'],
    rejected: expectNotFound,
  },
  {
    letter: 'E',
    title: 'rejects the ARN of the same key id in another account, region or partition',
    needs: [],
    of: (arn) => elsewhere(arn).map((scope) => formatKeyArn(partsOf(arn).id, scope)),
    rejected: expectElsewhere,
  },
  {
    letter: 'F',
    title: 'rejects the ARN of the same alias in another account, region or partition',
    needs: ['keys.alias'],
    of: async (arn, keys) => {
      const alias = await aliasOf(arn, keys);
      return elsewhere(arn).map((scope) => formatAliasArn(alias, scope));
    },
    rejected: expectElsewhere,
  },
  {
    letter: 'C',
    title: 'distinguishes aliases by case (KEY_NOT_FOUND)',
    needs: ['keys.alias'],
    of: async (arn, keys) => [(await aliasOf(arn, keys)).replace('keywrap', 'KEYWRAP')],
    rejected: expectNotFound,
  },
];

export const keyIdCases = [
  ...casesOf(
    forms,
    naming.flatMap((use) =>
      FORMS.map(
        ({ letter, title, needs, of }): CaseInput => ({
          id: `KID-${letter}${use.number}`,
          title: `${use.title}: accepts ${title}, and returns the key ARN`,
          needs: [...use.needs, ...needs],
          async run(context) {
            const key = await keyFor(use, context.keys);
            const keyId = await of(key.keyId, context.keys);
            expectKeyArn(await use.call(context, { ...key, keyId }), key.keyId);
          },
        }),
      ),
    ),
  ),
  ...casesOf(
    named,
    [
      {
        id: 'DEC-001',
        title: 'decrypts without a keyId, and returns the right one of several keys',
        async run({ provider, keys }) {
          for (const index of [0, 1]) {
            const { keyId, ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT', index);
            const result = await provider.decrypt({ ciphertext });
            expectKeyArn(result.keyId, keyId);
            expectField(result.algorithm, 'SYMMETRIC_DEFAULT', 'algorithm');
          }
        },
      },
      {
        id: 'DEC-002',
        title: 're-encrypts without a source, and returns the key of the ciphertext',
        async run({ provider, keys }) {
          const { keyId, ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT', 1);
          const destination = { keyId: await keys.get() };
          const result = await provider.reEncrypt({ ciphertext, destination });
          expectKeyArn(result.sourceKeyId, keyId, 'sourceKeyId');
          expectKeyArn(result.destinationKeyId, destination.keyId, 'destinationKeyId');
        },
      },
    ],
    [...SYMMETRIC, 'keyIdFromCiphertext'],
  ),
  ...casesOf(
    incorrect,
    openingUses
      .filter(({ kind, keyIdField }) => kind !== 'RSA_2048' && keyIdField !== undefined)
      .flatMap((use) =>
        FORMS.map(
          ({ letter, title, needs, of }): CaseInput => ({
            id: `DEC-${letter}${use.number}`,
            title: `${use.title}: rejects it when ${title} names another key`,
            needs: [...use.needs, ...needs],
            async run(context) {
              const { keys } = context;
              const { ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
              const arn = await keys.get('SYMMETRIC_DEFAULT', 1);
              const keyId = await of(arn, keys);
              const details = {
                operation: use.operation,
                keyId: use.operation === 'decrypt' ? [keyId, arn] : undefined,
              };
              const code = wrongKeyCode(context.provider);
              await expectError(use.call(context, { keyId, ciphertext }), code, details);
            },
          }),
        ),
      ),
  ),
  ...casesOf(
    missing,
    MISNAMINGS.flatMap(({ letter, title, needs, of, rejected }) =>
      naming.map(
        (use): CaseInput => ({
          id: `NOF-${letter}${use.number}`,
          title: `${use.title}: ${title}`,
          needs: [...use.needs, ...needs],
          async run(context) {
            const key = await keyFor(use, context.keys);
            for (const keyId of await of(key.keyId, context.keys)) {
              await rejected(use, keyId, use.call(context, { ...key, keyId }));
            }
          },
        }),
      ),
    ),
  ),
];

async function expectNotFound(use: KeyUse, keyId: string, call: Promise<unknown>): Promise<void> {
  await expectError(call, 'KEY_NOT_FOUND', errorDetails(use, keyId));
}

/** AWS KMS may return NotFound or AccessDenied, or be unreachable. */
async function expectElsewhere(_: KeyUse, keyId: string, call: Promise<unknown>): Promise<void> {
  const wanted = `${keyId} rejected, because it has another scope`;
  const error = await rejectionOf(call, wanted);
  if (error instanceof Mismatch) throw error;
  expectKeyWrapError(error, wanted);
}

/** Returns the scope with another account, another region, and another partition. */
function elsewhere(arn: string): ArnScope[] {
  const { partition, region, account } = partsOf(arn);
  return [
    { partition, region, account: account === '999999999999' ? '888888888888' : '999999999999' },
    { partition, region: region === 'eu-north-1' ? 'us-east-2' : 'eu-north-1', account },
    { partition: partition === 'aws-cn' ? 'aws' : 'aws-cn', region, account },
  ];
}

/** Returns an alias of a shared key, made once. */
function aliasOf(arn: string, keys: KeyRing): Promise<string> {
  return keys.once(`alias of ${arn}`, async () => {
    const unique = crypto.randomUUID().slice(0, 13);
    const alias = `alias/keywrap-conformance/${unique}`;
    await keys.alias(alias, arn);
    return alias;
  });
}

function partsOf(arn: string) {
  const parsed = parseKeyId(arn);
  check(parsed.kind === 'key-arn', 'keys.create of the harness to return a key ARN', arn);
  return parsed;
}
