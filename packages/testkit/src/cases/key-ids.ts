import { type ArnScope, formatAliasArn, formatKeyArn, parseKeyId } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi, kmsGuide } from '../case.js';
import {
  check,
  expectError,
  expectKeyArn,
  expectKeyWrapError,
  Mismatch,
  rejectionOf,
} from '../expect.js';
import type { KeyRing } from '../key-ring.js';
import { allUses, errorDetails, type KeyUse, keyFor, openingUses } from '../key-uses.js';

const forms = {
  id: 'key-id-forms',
  statement:
    'keyId takes key id, key ARN, alias name and alias ARN anywhere; results name the key ARN',
  source: kmsGuide('concepts.html#key-id'),
};

const named = {
  id: 'key-from-ciphertext',
  statement: 'A symmetric ciphertext says which key opens it',
  source: kmsApi('Decrypt'),
};

const incorrect = {
  id: 'incorrect-key',
  statement: 'The ciphertext of another key than the one that is named gives INCORRECT_KEY',
  source: kmsApi('Decrypt'),
};

const missing = {
  id: 'key-not-found',
  statement: 'A key or alias that does not exist gives KEY_NOT_FOUND',
  source: kmsApi('DescribeKey'),
};

const FORMS = [
  { letter: 'R', title: 'the key ARN', of: async (arn: string) => arn },
  { letter: 'K', title: 'the key id', of: async (arn: string) => partsOf(arn).id },
  { letter: 'N', title: 'an alias name', of: aliasOf },
  {
    letter: 'A',
    title: 'an alias ARN',
    of: async (arn: string, keys: KeyRing) =>
      formatAliasArn(await aliasOf(arn, keys), partsOf(arn)),
  },
];

const naming = allUses.filter(({ keyIdField }) => keyIdField !== undefined);
const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

export const keyIdCases = [
  ...casesOf(
    forms,
    naming.flatMap((use) =>
      FORMS.map(
        ({ letter, title, of }): CaseInput => ({
          id: `KID-${letter}${use.number}`,
          title: `${use.title}: takes ${title}, and names the key ARN`,
          needs: [...use.needs, ...('NA'.includes(letter) ? (['keys.alias'] as const) : [])],
          async run(context) {
            const key = await keyFor(use, context.keys);
            const keyId = await of(key.keyId, context.keys);
            expectKeyArn(await use.call(context, { ...key, keyId }), key.keyId);
          },
        }),
      ),
    ),
  ),
  ...casesOf(named, [
    {
      id: 'DEC-001',
      title: 'decrypts without a keyId, and names the right one of several keys',
      needs: [...symmetric, 'keyIdFromCiphertext'],
      async run({ provider, keys }) {
        for (const index of [0, 1]) {
          const { keyId, ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT', index);
          const result = await provider.decrypt({ ciphertext });
          expectKeyArn(result.keyId, keyId);
          const { algorithm } = result;
          check(algorithm === 'SYMMETRIC_DEFAULT', 'SYMMETRIC_DEFAULT', String(algorithm));
        }
      },
    },
    {
      id: 'DEC-002',
      title: 're-encrypts without a source, and names the key that the ciphertext names',
      needs: [...symmetric, 'keyIdFromCiphertext'],
      async run({ provider, keys }) {
        const { keyId, ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT', 1);
        const destination = { keyId: await keys.get() };
        const result = await provider.reEncrypt({ ciphertext, destination });
        expectKeyArn(result.sourceKeyId, keyId, 'sourceKeyId');
        expectKeyArn(result.destinationKeyId, destination.keyId, 'destinationKeyId');
      },
    },
  ]),
  ...casesOf(incorrect, [
    {
      id: 'DEC-004',
      title: 'decrypt refuses a ciphertext that another key made (INCORRECT_KEY)',
      needs: symmetric,
      async run({ provider, keys }) {
        const { ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
        const keyId = await keys.get('SYMMETRIC_DEFAULT', 1);
        const details = { operation: 'decrypt', keyId: [keyId] };
        await expectError(provider.decrypt({ ciphertext, keyId }), 'INCORRECT_KEY', details);
      },
    },
    {
      id: 'DEC-005',
      title: 'reEncrypt refuses a source that another key made (INCORRECT_KEY)',
      needs: symmetric,
      async run({ provider, keys }) {
        const { ciphertext, keyId: made } = await keys.sealed('SYMMETRIC_DEFAULT');
        const source = { keyId: await keys.get('SYMMETRIC_DEFAULT', 1) };
        const call = provider.reEncrypt({ ciphertext, source, destination: { keyId: made } });
        await expectError(call, 'INCORRECT_KEY', { operation: 'reEncrypt' });
      },
    },
    ...openingUses
      .filter(({ kind, keyIdField }) => kind !== 'RSA_2048' && keyIdField !== undefined)
      .flatMap((use) =>
        FORMS.map(
          ({ letter, title, of }): CaseInput => ({
            id: `DEC-${letter}${use.number}`,
            title: `${use.title}: refuses it when ${title} names another key (INCORRECT_KEY)`,
            needs: [...use.needs, ...('NA'.includes(letter) ? (['keys.alias'] as const) : [])],
            async run(context) {
              const { keys } = context;
              const { ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
              const keyId = await of(await keys.get('SYMMETRIC_DEFAULT', 1), keys);
              const call = use.call(context, { keyId, ciphertext });
              await expectError(call, 'INCORRECT_KEY', { operation: use.operation });
            },
          }),
        ),
      ),
    {
      id: 'DEC-003',
      title: 'decrypt refuses it when another alias names the key (INCORRECT_KEY)',
      needs: [...symmetric, 'keys.alias'],
      async run({ provider, keys }) {
        const { ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
        const keyId = await aliasOf(await keys.get('SYMMETRIC_DEFAULT', 1), keys);
        const call = provider.decrypt({ ciphertext, keyId });
        await expectError(call, 'INCORRECT_KEY', { operation: 'decrypt' });
      },
    },
  ]),
  ...casesOf(missing, [
    ...naming.map(
      (use): CaseInput => ({
        id: `NOF-K${use.number}`,
        title: `${use.title}: a key ARN that does not exist (KEY_NOT_FOUND)`,
        needs: use.needs,
        async run(context) {
          const key = await keyFor(use, context.keys);
          const keyId = formatKeyArn('00000000-0000-4000-8000-000000000000', partsOf(key.keyId));
          await expectNotFound(use, context, { ...key, keyId });
        },
      }),
    ),
    ...naming.map(
      (use): CaseInput => ({
        id: `NOF-A${use.number}`,
        title: `${use.title}: an alias that does not exist (KEY_NOT_FOUND)`,
        needs: use.needs,
        async run(context) {
          const key = await keyFor(use, context.keys);
          await expectNotFound(use, context, { ...key, keyId: 'alias/keywrap-no-such-alias' });
        },
      }),
    ),
    ...naming.map(
      (use): CaseInput => ({
        id: `NOF-E${use.number}`,
        title: `${use.title}: refuses the ARN of the same key id in another account, region or partition`,
        needs: use.needs,
        async run(context) {
          const key = await keyFor(use, context.keys);
          for (const scope of elsewhere(key.keyId)) {
            const keyId = formatKeyArn(partsOf(key.keyId).id, scope);
            await expectRefused(keyId, use.call(context, { ...key, keyId }));
          }
        },
      }),
    ),
    ...naming.map(
      (use): CaseInput => ({
        id: `NOF-F${use.number}`,
        title: `${use.title}: refuses the ARN of the same alias in another account, region or partition`,
        needs: [...use.needs, 'keys.alias'],
        async run(context) {
          const key = await keyFor(use, context.keys);
          const alias = await aliasOf(key.keyId, context.keys);
          for (const scope of elsewhere(key.keyId)) {
            const keyId = formatAliasArn(alias, scope);
            await expectRefused(keyId, use.call(context, { ...key, keyId }));
          }
        },
      }),
    ),
    ...naming.map(
      (use): CaseInput => ({
        id: `NOF-C${use.number}`,
        title: `${use.title}: tells aliases apart by upper and lower case (KEY_NOT_FOUND)`,
        needs: [...use.needs, 'keys.alias'],
        async run(context) {
          const key = await keyFor(use, context.keys);
          const alias = await aliasOf(key.keyId, context.keys);
          const keyId = alias.replace('keywrap', 'KEYWRAP');
          await expectNotFound(use, context, { ...key, keyId });
        },
      }),
    ),
    {
      id: 'NOF-003',
      title: 'refuses the ARN of the same alias in another account and in another region',
      needs: [...symmetric, 'keys.alias'],
      async run({ provider, keys, secret }) {
        const arn = await keys.get();
        const alias = await aliasOf(arn, keys);
        for (const scope of elsewhere(arn)) {
          const keyId = formatAliasArn(alias, scope);
          await expectRefused(keyId, provider.encrypt({ keyId, plaintext: secret() }));
        }
      },
    },
    {
      id: 'NOF-002',
      title: 'tells aliases apart by upper and lower case (KEY_NOT_FOUND)',
      needs: [...symmetric, 'keys.alias'],
      async run({ provider, keys, secret }) {
        const alias = await aliasOf(await keys.get(), keys);
        const keyId = alias.replace('keywrap', 'KEYWRAP');
        check(keyId !== alias, 'an alias in another case', alias);
        const call = provider.encrypt({ keyId, plaintext: secret() });
        await expectError(call, 'KEY_NOT_FOUND', { operation: 'encrypt', keyId: [keyId] });
      },
    },
  ]),
];

async function expectNotFound(
  use: KeyUse,
  context: Parameters<KeyUse['call']>[0],
  key: Parameters<KeyUse['call']>[1],
): Promise<void> {
  const details = errorDetails(use, key.keyId);
  await expectError(use.call(context, key), 'KEY_NOT_FOUND', details);
}

/** The same scope with another account, with another region, and with another partition. */
function elsewhere(arn: string): ArnScope[] {
  const { partition, region, account } = partsOf(arn);
  return [
    { partition, region, account: account === '999999999999' ? '888888888888' : '999999999999' },
    { partition, region: region === 'eu-north-1' ? 'us-east-2' : 'eu-north-1', account },
    { partition: partition === 'aws-cn' ? 'aws' : 'aws-cn', region, account },
  ];
}

/** AWS KMS may say NotFound, AccessDenied or that it can't be reached. */
async function expectRefused(keyId: string, call: Promise<unknown>): Promise<void> {
  const wanted = `${keyId} refused, because that is elsewhere`;
  const error = await rejectionOf(call, wanted);
  if (error instanceof Mismatch) throw error;
  expectKeyWrapError(error, wanted);
}

/** An alias of a shared key, made once. */
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
  check(parsed.kind === 'key-arn', 'keys.create of the harness to give a key ARN', arn);
  return parsed;
}
