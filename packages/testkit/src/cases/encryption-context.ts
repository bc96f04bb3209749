import type { EncryptionContext } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsGuide } from '../case.js';
import { expectBytes, expectError } from '../expect.js';
import type { SealedKey } from '../key-ring.js';
import type { Need } from '../needs.js';
import { sealingCalls } from '../sealing-calls.js';

const exact = {
  id: 'encryption-context',
  statement:
    'A ciphertext opens under exactly the pairs it was made with, in any order; any difference gives INVALID_CIPHERTEXT',
  source: kmsGuide('encrypt_context.html'),
};

const needs = [
  'algorithm:SYMMETRIC_DEFAULT',
  'key:SYMMETRIC_DEFAULT',
  'encryptionContext',
] as const;

const many = (count: number): EncryptionContext =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, `v${i}`]));

type Given = EncryptionContext | undefined;

/** Contexts that are the same set of pairs. */
const SAME: readonly [string, string, Given, Given][] = [
  ['101', 'the same pairs', { tenant: 'a', use: 'b' }, { tenant: 'a', use: 'b' }],
  [
    '102',
    'the same pairs in another order',
    { a: '1', b: '2', c: '3' },
    { c: '3', a: '1', b: '2' },
  ],
  [
    '103',
    'an order that UTF-8 and UTF-16 sort differently',
    { '\u{1f600}': 'x', '\uff5e': 'y' },
    { '\uff5e': 'y', '\u{1f600}': 'x' },
  ],
  ['104', 'no context where there was an empty one', {}, undefined],
  [
    '105',
    'an object without a prototype',
    { a: '1' },
    Object.assign(Object.create(null), { a: '1' }),
  ],
  [
    '106',
    'keys that every object inherits',
    { constructor: 'x', toString: 'y', hasOwnProperty: 'z' },
    { hasOwnProperty: 'z', toString: 'y', constructor: 'x' },
  ],
  ['107', '300 pairs', many(300), many(300)],
  ['108', 'an empty context where there was none', undefined, {}],
];

/** Contexts that differ: what made it, what is given to open it. */
const DIFFERENT: readonly [string, string, Given, Given][] = [
  ['201', 'no context', { tenant: 'a' }, undefined],
  ['202', 'a context where there was none', {}, { tenant: 'a' }],
  ['203', 'another value', { tenant: 'a' }, { tenant: 'b' }],
  ['204', 'another key', { tenant: 'a' }, { client: 'a' }],
  ['205', 'a pair less', { tenant: 'a', use: 'b' }, { tenant: 'a' }],
  ['206', 'a pair more', { tenant: 'a' }, { tenant: 'a', use: 'b' }],
  ['207', 'a value in another case', { tenant: 'Acme' }, { tenant: 'acme' }],
  ['208', 'a key in another case', { Tenant: 'a' }, { tenant: 'a' }],
  ['209', 'the border between key and value moved', { ab: 'c' }, { a: 'bc' }],
  ['210', 'the border between pairs moved', { a: 'b', c: 'd' }, { a: 'bc', d: '' }],
  ['211', 'key and value swapped', { a: 'b' }, { b: 'a' }],
  ['212', 'values swapped', { a: '1', b: '2' }, { a: '2', b: '1' }],
  ['213', 'pairs joined with = and ,', { a: '1', b: '2' }, { a: '1,b=2' }],
  ['214', 'pairs joined with : and ;', { a: '1', b: '2' }, { a: '1;b:2' }],
  ['215', 'pairs joined with = and &', { a: '1', b: '2' }, { a: '1&b=2' }],
  ['216', 'pairs joined the way JSON writes them', { a: '1', b: '2' }, { a: '1","b":"2' }],
  ['217', 'pairs joined with a zero', { a: '1', b: '2' }, { a: '1\0b\x002' }],
  ['218', 'pairs joined with line breaks', { a: '1', b: '2' }, { a: '1\nb\n2' }],
  ['219', 'a blank more', { tenant: 'a' }, { tenant: 'a ' }],
  ['220', 'a blank more in the key', { tenant: 'a' }, { ' tenant': 'a' }],
  ['221', 'the same letter composed differently', { name: '\u00e9' }, { name: 'e\u0301' }],
  ['222', 'an empty value left out', { a: '1', b: '' }, { a: '1' }],
  [
    '223',
    'long values that differ at their end',
    { a: `${'x'.repeat(2000)}1` },
    { a: `${'x'.repeat(2000)}2` },
  ],
  [
    '224',
    'long keys that differ at their end',
    { [`${'x'.repeat(600)}1`]: 'a' },
    { [`${'x'.repeat(600)}2`]: 'a' },
  ],
  ['225', 'one of 300 pairs', many(300), { ...many(300), k299: 'w299' }],
  ['226', 'a value longer by 256', { a: 'x' }, { a: `x${'\0'.repeat(256)}` }],
  ['227', 'values that differ beyond Latin-1', { a: '\u0141' }, { a: '\u0041' }],
  ['228', 'a number-like value written differently', { a: '1' }, { a: '1.0' }],
];

/** The same either way round: a difference may be lost where a ciphertext is made, or where it is opened. */
const EITHER_WAY = DIFFERENT.flatMap(([, , made, given]): [Given, Given][] => [
  [made, given],
  [given, made],
]);

type Opening = (context: CaseContext, key: SealedKey, given: Given) => Promise<unknown>;

/** Every call that opens a ciphertext with an encryption context. */
const OPENINGS: readonly {
  readonly number: string;
  readonly title: string;
  readonly operation: string;
  readonly needs: readonly Need[];
  readonly open: Opening;
}[] = [
  {
    number: '02',
    title: 'reEncrypt from a key that is named',
    operation: 'reEncrypt',
    needs: [],
    open: async ({ provider }, { keyId, ciphertext }, encryptionContext) => {
      const source = { keyId, encryptionContext };
      return provider.reEncrypt({ ciphertext, source, destination: { keyId } });
    },
  },
  {
    number: '11',
    title: 'reEncrypt from the key that the ciphertext names',
    operation: 'reEncrypt',
    needs: ['keyIdFromCiphertext'],
    open: async ({ provider }, { keyId, ciphertext }, encryptionContext) =>
      provider.reEncrypt({ ciphertext, source: { encryptionContext }, destination: { keyId } }),
  },
  {
    number: '12',
    title: 'reEncrypt to an RSA key',
    operation: 'reEncrypt',
    needs: ['asymmetric', 'key:RSA_2048'],
    open: async ({ provider, keys }, { keyId, ciphertext }, encryptionContext) => {
      const destination = { keyId: await keys.get('RSA_2048'), algorithm: keys.rsaAlgorithm };
      const source = { keyId, encryptionContext };
      return provider.reEncrypt({ ciphertext, source, destination });
    },
  },
  {
    number: '13',
    title: 'decrypt without a keyId',
    operation: 'decrypt',
    needs: ['keyIdFromCiphertext'],
    open: async ({ provider }, { ciphertext }, encryptionContext) =>
      provider.decrypt({ ciphertext, encryptionContext }),
  },
  {
    number: '14',
    title: 'decrypt with a keyId',
    operation: 'decrypt',
    needs: [],
    open: async ({ provider }, key, encryptionContext) =>
      provider.decrypt({ ...key, encryptionContext }),
  },
];

export const encryptionContextCases = casesOf(exact, [
  ...SAME.map(
    ([number, title, made, given]): CaseInput => ({
      id: `CTX-${number}`,
      title: `decrypt takes ${title}`,
      needs,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const plaintext = secret();
        const sealed = await provider.encrypt({ keyId, plaintext, encryptionContext: made });
        const { ciphertext } = sealed;
        const result = await provider.decrypt({ keyId, ciphertext, encryptionContext: given });
        expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
      },
    }),
  ),
  ...DIFFERENT.map(
    ([number, title, made, given]): CaseInput => ({
      id: `CTX-${number}`,
      title: `decrypt refuses ${title} (INVALID_CIPHERTEXT)`,
      needs,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const input = { keyId, plaintext: secret(), encryptionContext: made };
        const { ciphertext } = await provider.encrypt(input);
        const call = provider.decrypt({ keyId, ciphertext, encryptionContext: given });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
      },
    }),
  ),
  {
    id: 'CTX-301',
    title: 'decrypt without a keyId refuses another context (INVALID_CIPHERTEXT)',
    needs: [...needs, 'keyIdFromCiphertext'],
    async run({ provider, keys, secret }) {
      const encryptionContext = { tenant: 'a' };
      const input = { keyId: await keys.get(), plaintext: secret(), encryptionContext };
      const { ciphertext } = await provider.encrypt(input);
      for (const other of [undefined, { tenant: 'b' }]) {
        const call = provider.decrypt({ ciphertext, encryptionContext: other });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
      }
      await provider.decrypt({ ciphertext, encryptionContext });
      const free = await keys.sealed('SYMMETRIC_DEFAULT');
      const call = provider.decrypt({ ciphertext: free.ciphertext, encryptionContext });
      await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
    },
  },
  ...OPENINGS.map(
    ({ number, title, needs: more, operation, open }): CaseInput => ({
      id: `CTX-3${number}`,
      title: `${title} refuses every other context (INVALID_CIPHERTEXT), and takes the same`,
      needs: [...needs, ...more],
      async run(context) {
        const { provider, keys, secret } = context;
        const keyId = await keys.get();
        const seal = async (encryptionContext: Given) => {
          const input = { keyId, plaintext: secret(), encryptionContext };
          const { ciphertext } = await provider.encrypt(input);
          return { keyId, ciphertext };
        };
        for (const [made, given] of EITHER_WAY) {
          const call = open(context, await seal(made), given);
          await expectError(call, 'INVALID_CIPHERTEXT', { operation });
        }
        for (const [, , made, given] of SAME) await open(context, await seal(made), given);
      },
    }),
  ),
  ...sealingCalls.map(
    (call): CaseInput => ({
      id: `CTX-30${call.number}`,
      title: `${call.title} binds what it wraps to exactly its context`,
      needs: [...needs, ...call.needs],
      async run(context) {
        const { provider, keys } = context;
        const keyId = await keys.get();
        const seal = async (encryptionContext: Given) =>
          (await call.prepare(context, { keyId, encryptionContext }))();
        for (const [made, given] of EITHER_WAY) {
          const ciphertext = await seal(made);
          const refused = provider.decrypt({ keyId, ciphertext, encryptionContext: given });
          await expectError(refused, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        }
        for (const [, , made, given] of SAME) {
          const ciphertext = await seal(made);
          await provider.decrypt({ keyId, ciphertext, encryptionContext: given });
        }
      },
    }),
  ),
]);
