import { type EncryptionContext, limitOf, serializeEncryptionContext } from '@keywrap/core';
import { bytesOfLatin1, latin1Of } from '../bytes.js';
import { type CaseContext, casesOf } from '../case.js';
import { insert } from '../damage.js';
import { expectError } from '../expect.js';
import { SYMMETRIC } from '../needs.js';
import { positionsThatTell } from '../nonce-statistics.js';
import { seal } from '../round-trip.js';
import { manyOf } from '../statistics.js';
import { apart } from './context-families.js';

// Contexts, and ciphertexts, that somebody makes up who knows how a provider could serialise contexts.

/** What may stand between a name and its value, and between pairs. */
const INSIDE = [
  ...[
    '',
    '=',
    ':',
    ': ',
    ' = ',
    '->',
    '=>',
    '/',
    '|',
    '.',
    '-',
    '_',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\0',
  ],
  ...['\x1f', ',', '":"', '": "', '="', "': '", '::'],
];
const BETWEEN = [
  ...['', ',', ', ', ';', '; ', '&', '&amp;', '|', '||', '/', '.', '-', '_', ':', ' ', '\t', '\n'],
  ...['\r\n', '\0', '\0\0', '\x1e', '\x1f', '","', '", "', '" ', "', '", '\u2028', '::'],
];

/** A context, and others that look like it when names and values are joined with any of these. */
export const FORGED: readonly (readonly [EncryptionContext, readonly EncryptionContext[]])[] = [
  [
    { a: '1', b: '2' },
    INSIDE.flatMap((inside) =>
      BETWEEN.flatMap((between) => [
        { a: `1${between}b${inside}2` },
        { [`a${inside}1${between}b`]: '2' },
      ]),
    ),
  ],
  // Where the separators are escaped, and the escape is not.
  [
    { a: '1\\', b: '2' },
    INSIDE.flatMap((inside) => BETWEEN.map((between) => ({ a: `1${between}b${inside}2` }))),
  ],
  ...INSIDE.map((inside) => [{ a: `x${inside}y` }, [{ [`a${inside}x`]: 'y' }]] as const),
];

/** Characters that some serialisation escapes, and how. */
const SPECIAL = [
  '"',
  "'",
  '\\',
  '%',
  '&',
  '=',
  ',',
  ';',
  ':',
  '/',
  '+',
  ' ',
  '\n',
  '\0',
  '<',
  'é',
  '\u2028',
];
const ESCAPES: readonly ((character: string, code: string) => string)[] = [
  (_, code) => `%${code.slice(-2)}`,
  (_, code) => `%${code.slice(-2).toUpperCase()}`,
  (_, code) => `\\u${code}`,
  (_, code) => `\\u${code.toUpperCase()}`,
  (_, code) => `\\x${code.slice(-2)}`,
  (_, code) => `&#${Number.parseInt(code, 16)};`,
  (_, code) => `&#x${code.slice(-2)};`,
  (_, code) => `=${code.slice(-2).toUpperCase()}`,
  (character) => `\\${character}`,
  (character) => character + character,
  (character) => encodeURIComponent(character),
  (character) => JSON.stringify(character).slice(1, -1),
  (character) =>
    ({ '\n': '\\n', '\0': '\\0', '&': '&amp;', '<': '&lt;', '"': '&quot;' })[character] ?? '',
  () => '+',
  () => '_',
  () => '?',
];

/** Bytes that a serialisation may have for the pair b: 2 after the pair a: 1, or for that one before the other. */
const PARTS: readonly { readonly text: string; readonly left: EncryptionContext }[] = [
  ...[
    ...['b2', 'b=2', ',b=2', '&b=2', ';b=2', '\nb=2', '\0b\x002', ',b:2', '","b":"2', ',"b":"2"'],
    ...['\x01b\x012', '\0\x01b\0\x012', '\x01\0b\x01\x002', '\0\0\0\x01b\0\0\0\x012'],
    ...['\x01\0\0\0b\x01\0\0\x002', '1:b1:2'],
  ].map((text) => ({ text, left: { a: '1' } })),
  ...[
    ...['a1', 'a=1', 'a=1,', 'a=1&', 'a=1;', 'a=1\n', 'a\x001\0', 'a:1,', 'a":"1","', '"a":"1",'],
    ...['\x01a\x011', '\0\x01a\0\x011', '\x01\0a\x01\x001', '\0\0\0\x01a\0\0\0\x011'],
    ...['\x01\0\0\0a\x01\0\0\x001', '1:a1:1'],
  ].map((text) => ({ text, left: { b: '2' } })),
];

/** A serialisation of its own at the end of a value: what comes before it may go to the ciphertext. */
function nested(left: EncryptionContext) {
  const inner = latin1Of(serializeEncryptionContext(left));
  const whole = { x: inner };
  return { whole, text: latin1Of(serializeEncryptionContext(whole)).slice(0, -inner.length), left };
}

/** Opens a ciphertext, or several, under other contexts, each of which must be rejected. */
async function expectNoneOpens(
  { provider }: CaseContext,
  keyId: string,
  ciphertexts: Uint8Array | readonly Uint8Array[],
  contexts: readonly EncryptionContext[],
): Promise<void> {
  const all = [ciphertexts].flat() as readonly Uint8Array[];
  await manyOf(all.length * contexts.length, (i) => {
    const call = provider.decrypt({
      keyId,
      ciphertext: all[i % all.length] as Uint8Array,
      encryptionContext: contexts[Math.floor(i / all.length)] as EncryptionContext,
    });
    return expectError(call, ['INVALID_CIPHERTEXT', 'INCORRECT_KEY'], { operation: 'decrypt' });
  });
}

export const forgedContextCases = casesOf(
  apart,
  [
    {
      id: 'CTF-401',
      title: 'binds two pairs otherwise than one that contains the other, after any separators',
      profile: 'full',
      async run(context) {
        const keyId = await context.keys.get();
        const plaintext = context.secret();
        await manyOf(FORGED.length, async (index) => {
          const [encryptionContext, forged] = FORGED[index] as (typeof FORGED)[number];
          const { ciphertext } = await seal(context, { keyId, plaintext, encryptionContext });
          await expectNoneOpens(context, keyId, ciphertext, forged);
        });
      },
    },
    {
      id: 'CTF-402',
      title: 'binds a character otherwise than each of its escapes',
      profile: 'full',
      async run(context) {
        const keyId = await context.keys.get();
        const plaintext = context.secret();
        await manyOf(SPECIAL.length, async (index) => {
          const character = SPECIAL[index] as string;
          const code = character.charCodeAt(0).toString(16).padStart(4, '0');
          const tenant = `${character}a`;
          const { ciphertext } = await seal(context, {
            keyId,
            plaintext,
            encryptionContext: { tenant },
          });
          const forged = ESCAPES.map((written) => `${written(character, code)}a`).filter(
            (each) => each !== tenant,
          );
          const others = forged.map((each) => ({ tenant: each }));
          await expectNoneOpens(context, keyId, ciphertext, others);
        });
      },
    },
    {
      id: 'CTF-403',
      title: 'no part of a context can be moved into the ciphertext',
      profile: 'full',
      async run(context) {
        const keyId = await context.keys.get();
        const plaintext = context.secret(1);
        const most = limitOf(context.provider.capabilities, 'ciphertext');
        const moves = [
          ...PARTS.map((part) => ({ ...part, whole: { a: '1', b: '2' } })),
          ...[{ a: '1' }, { b: '2' }, {}].map(nested),
        ];
        for (const { text, whole, left } of moves) {
          const { ciphertext } = await seal(context, {
            keyId,
            plaintext,
            encryptionContext: whole,
          });
          const part = bytesOfLatin1(text);
          const forged = Array.from({ length: ciphertext.length + 1 }, (_, index) =>
            insert(ciphertext, part, index),
          );
          const fitting = forged.filter(({ length }) => length <= most);
          await expectNoneOpens(context, keyId, fitting, [left]);
        }
      },
    },
    {
      id: 'CTF-404',
      title: 'what a ciphertext says of its context, if anything, is authenticated',
      profile: 'full',
      async run(context) {
        const { provider, keys, secret } = context;
        const key = { keyId: await keys.get(), plaintext: secret() };
        const contexts = [{ tenant: 'a'.repeat(16) }, { tenant: 'b'.repeat(16) }] as const;
        const made: [Uint8Array[], Uint8Array[]] = [[], []];
        for (let i = 0; i < 16; i++) {
          const encryptionContext = contexts[i & 1] as EncryptionContext;
          made[i & 1]?.push((await provider.encrypt({ ...key, encryptionContext })).ciphertext);
        }
        // A copy or a hash of the context is the same in all of its ciphertexts.
        const [[ciphertext], [other]] = made as [[Uint8Array], [Uint8Array]];
        const forged = ciphertext.slice();
        for (const i of positionsThatTell(...made)) forged[i] = other[i] as number;
        await expectNoneOpens(context, key.keyId, forged, [contexts[1]]);
      },
    },
  ],
  [...SYMMETRIC, 'encryptionContext'],
);
