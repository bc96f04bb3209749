import { type EncryptionContext, limitOf, serializeEncryptionContext } from '@keywrap/core';
import { type CaseInput, casesOf, kmsGuide } from '../case.js';
import { expectError } from '../expect.js';
import type { CallContext } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { sealBy, sealingUses, toRsa, useNumbered } from '../operations.js';
import { expectOpens, open, seal } from '../round-trip.js';

const exact = {
  id: 'encryption-context',
  statement:
    'A ciphertext decrypts only with the pairs that it was encrypted with, in any order (else INVALID_CIPHERTEXT)',
  source: kmsGuide('encrypt_context.html'),
};

const needs = [...SYMMETRIC, 'encryptionContext'] as const;

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
  [
    '109',
    'names that a collation takes for equal, in another order',
    { '\u00e9': '1', 'e\u0301': '2', a: '3', A: '4', 'a\u00ad': '5' },
    { 'a\u00ad': '5', A: '4', a: '3', 'e\u0301': '2', '\u00e9': '1' },
  ],
];

/** Contexts that differ: the one to encrypt with, and the one to decrypt with. */
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

/** Returns the serialised length in bytes of the longer of two contexts. */
function longest(...contexts: readonly Given[]): number {
  return Math.max(...contexts.map((each = {}) => serializeEncryptionContext(each).length));
}

/** Tries both directions: a difference may be lost when encrypting or when decrypting. */
const EITHER_WAY = DIFFERENT.flatMap(([, , made, given]): [Given, Given][] => [
  [made, given],
  [given, made],
]);

/** Every call that decrypts a ciphertext with an encryption context. */
const OPENINGS = [
  { ...useNumbered('06'), number: '02' },
  { ...useNumbered('07'), number: '11' },
  { ...toRsa, number: '12' },
  { ...useNumbered('04'), number: '13' },
  { ...useNumbered('03'), number: '14' },
];

/** Encrypts and decrypts with every two contexts: different ones are rejected, equal ones accepted. */
async function expectExact(
  { provider }: CallContext,
  operation: string,
  sealWith: (encryptionContext: Given) => Promise<Uint8Array>,
  openWith: (ciphertext: Uint8Array, encryptionContext: Given) => Promise<unknown>,
): Promise<void> {
  const limit = limitOf(provider.capabilities, 'encryptionContext');
  for (const [made, given] of EITHER_WAY) {
    if (longest(made, given) > limit) continue;
    const call = openWith(await sealWith(made), given);
    await expectError(call, 'INVALID_CIPHERTEXT', { operation });
  }
  for (const [, , made, given] of SAME) {
    if (longest(made, given) <= limit) await openWith(await sealWith(made), given);
  }
}

export const encryptionContextCases = casesOf(
  exact,
  [
    ...SAME.map(
      ([number, title, made, given]): CaseInput => ({
        id: `CTX-${number}`,
        title: `decrypt accepts ${title}`,
        needs: [`context of ${longest(made, given)} bytes`],
        async run(context) {
          const sealed = await seal(context, { encryptionContext: made });
          await expectOpens(context.provider, { ...sealed, encryptionContext: given });
        },
      }),
    ),
    ...DIFFERENT.map(
      ([number, title, made, given]): CaseInput => ({
        id: `CTX-${number}`,
        title: `decrypt rejects ${title} (INVALID_CIPHERTEXT)`,
        needs: [`context of ${longest(made, given)} bytes`],
        async run(context) {
          const sealed = await seal(context, { encryptionContext: made });
          const call = open(context.provider, { ...sealed, encryptionContext: given });
          await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        },
      }),
    ),
    ...OPENINGS.map(
      (use): CaseInput => ({
        id: `CTX-3${use.number}`,
        // Two by two, all contexts: `quick` tries them with one operation.
        profile: use.number === '14' ? 'quick' : 'full',
        title: `${use.title} rejects every other context (INVALID_CIPHERTEXT), and accepts the same`,
        needs: use.needs,
        async run(context) {
          const keyId = await context.keys.get();
          await expectExact(
            context,
            use.operation,
            async (encryptionContext) =>
              (await seal(context, { keyId, encryptionContext })).ciphertext,
            (ciphertext, encryptionContext) =>
              use.call(context, { keyId, ciphertext, encryptionContext }),
          );
        },
      }),
    ),
    ...sealingUses.map(
      (use): CaseInput => ({
        id: `CTX-30${use.number}`,
        profile: 'full',
        title: `${use.title} binds what it wraps to exactly its context`,
        needs: use.needs,
        async run(context) {
          const keyId = await context.keys.get();
          await expectExact(
            context,
            'decrypt',
            (encryptionContext) => sealBy(use, context, { keyId, encryptionContext }),
            (ciphertext, encryptionContext) =>
              context.provider.decrypt({ keyId, ciphertext, encryptionContext }),
          );
        },
      }),
    ),
  ],
  needs,
);
