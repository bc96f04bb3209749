import { type EncryptionContext, limitOf } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsGuide } from '../case.js';
import { expectError } from '../expect.js';
import { SYMMETRIC } from '../needs.js';
import { expectOpens, open, seal } from '../round-trip.js';
import { sizesUpTo } from '../sizes.js';
import { manyOf } from '../statistics.js';

export const apart = {
  id: 'context-families',
  statement:
    'Contexts that software takes for equal are different: other Unicode for the same text, escapes, blanks, hashes that collide, empty keys and values; of every size',
  source: kmsGuide('encrypt_context.html'),
  power:
    'Each of the pairs is tried in both directions. Always found, by full: lengths that are kept modulo 100, 128 or 256 in any usual field, texts that are joined with any of 670 pairs of separators, 16 ways to escape, and a context whose length is not authenticated, if it is joined or each text stands after its length. A context that is reduced to a hash of 8 bits is found with 98 % by full (no-rare-faults), of 12 bits with 80 % by soak; of 32 bits if it is one of the hashes below.',
};

/** What a field of one length looks like, in the ways that serialisations write it. */
const LENGTH_FIELDS = [
  ...['a', '\0a', 'a\0', '\0\0\0a', 'a\0\0\0', '\0\0\0\0\0\0\0a', 'a\0\0\0\0\0\0\0'],
  ...['61', '0061', '97', '97:', '097', 'YQ=='],
];

/**
 * Makes two contexts whose serialisations are the same if each text is written after its length modulo this number:
 * the name `a` or 1 + modulus characters, and a value of 97 characters, or 97 + modulus.
 */
function aliasing(modulus: number, field: string): EncryptionContext[] {
  const rest = 'a'.repeat(97);
  const fill = 'a'.repeat(modulus - field.length);
  return [{ a: `${fill}${field}${rest}` }, { [`a${field}${fill}`]: rest }];
}

const values = (...all: string[]): EncryptionContext[] => all.map((tenant) => ({ tenant }));

/** Texts with the same hash of 32 bits, alone or in a usual serialisation of `{ tenant: text }`. */
const COLLISIONS: readonly (readonly [string, string, string])[] = [
  ['the hashCode of Java', 'AaBB', 'BBAa'],
  ['CRC-32', 'z2t8lz', 'fageyn'],
  ['Adler-32', '7cvgha', 'a4gqkh'],
  ['djb2', 'olh7pl', 'olfypl'],
  ['FNV-1a of the value', '4gadlo', 'r8yhkg'],
  ['FNV-1a of tenant=value', 'ygq08k', 'lbiqm3'],
  ['FNV-1a of JSON', 'v9g3uv', 'la1epw'],
  ['FNV-1a of the serialisation of the AWS Encryption SDK', 'aknco1', 'jx2tgx'],
  ['MurmurHash3 of JSON', '7rdvoc', 'hy80yw'],
  ['MurmurHash3 of the serialisation of the AWS Encryption SDK', 'v1wiyy', '29bt76'],
  ['4 bytes of SHA-256 of JSON', 'i43fdv', 'yivdmj'],
  ['4 bytes of SHA-256 of the serialisation of the AWS Encryption SDK', '63y7ob', 'lrckas'],
  ['4 bytes of SHA-1 of JSON', '48jgb5', 'l77qt2'],
  ['4 bytes of MD5 of JSON', 'vdefbi', '5znmdc'],
];

/** Contexts that must all be different from each other. */
export const FAMILIES: readonly (readonly [
  title: string,
  contexts: readonly EncryptionContext[],
])[] = [
  [
    'characters that do not show',
    values(
      'acme',
      '\ufeffacme',
      'acme\ufeff',
      'ac\u00adme',
      'ac\u200bme',
      'ac\u2060me',
      '\u200facme',
      'acme\0',
    ),
  ],
  [
    'blanks',
    values('a b', 'a\u00a0b', 'a\u3000b', 'a\tb', 'a\nb', 'a\r\nb', 'a  b', 'a+b', 'a%20b', 'ab'),
  ],
  ['letters of the same form', values('k', '\u212a', '\u03ba', 'K')],
  [
    'letters that change their case',
    values('straße', 'STRASSE', 'strasse', 'STRAßE', 'stra\u1e9ee'),
  ],
  ['Turkish letters', values('i', 'İ', 'ı', 'I', 'i\u0307')],
  ['compositions', values('Å', 'A\u030a', '\u212b')],
  ['compatible characters', values('fi', '\ufb01', 'ﬁ\u200d')],
  ['widths', values('A1', 'Ａ１', 'A\u00b9', 'A\u2081')],
  [
    'beyond the basic plane',
    values('\u{1f600}', '\ufffd', '\ufffd\ufffd', '\uf600', '?', '??', '\u{1f600}\ufe0f', ''),
  ],
  [
    'escapes',
    values('"', '\\"', '\\u0022', '&quot;', '%22', "'", '\\', '\\\\', '%', '%25', '%2525'),
  ],
  ['numbers', values('1', '01', '1.0', '+1', '1e0', '0x1', '١', 'true', 'null', 'undefined', '')],
  ['dates and paths', values('a/b', 'a\\b', 'a//b', 'a/./b', 'a/b/', '/a/b', 'A/B')],
  [
    'empty keys and values',
    [
      {},
      { '': '' },
      { a: '' },
      { '': 'a' },
      { '': '', a: '' },
      { a: '', b: '' },
      { b: '' },
      { ab: '' },
    ],
  ],
  [
    'an object in an object',
    [{ 'a.b': 'c' }, { a: 'b.c' }, { a: '{"b":"c"}' }, { 'a[b]': 'c' }, { 'a.b.c': '' }],
  ],
  [
    'pairs that add up to the same',
    [
      { a: '1', b: '2' },
      { a: '2', b: '1' },
      { b: '1', c: '1' },
      { a: '12', b: '' },
      { a: '', b: '12' },
      { '1': 'a', '2': 'b' },
    ],
  ],
  [
    'keys in the order of numbers',
    [
      { '2': 'a', '10': 'b' },
      { '10': 'a', '2': 'b' },
      { '02': 'a', '10': 'b' },
    ],
  ],
  [
    'pairs that cancel out',
    [{ a: 'x', b: 'x' }, { a: 'y', b: 'y' }, { a: 'x' }, {}, { c: 'x', d: 'x' }],
  ],
  [
    'lengths around one byte',
    [0, 1, 255, 256, 257, 511, 512].map((length) => ({ a: 'x'.repeat(length) })),
  ],
  [
    'the same bytes as UTF-8 and as Latin-1',
    values('é', '\u00c3\u00a9', 'e', '%C3%A9', '\u00e9\u00e9'),
  ],
  ...COLLISIONS.map(([hash, ...pair]) => [`the same ${hash}`, values(...pair)] as const),
  [
    'characters that move between a name and its value, lengths in one byte',
    [0, 256, 512].map((length) => ({ [`a${'x'.repeat(length)}`]: 'x'.repeat(512 - length) })),
  ],
  [
    'lengths that are cut off, in all usual forms',
    [100, 128, 256].flatMap((modulus) =>
      LENGTH_FIELDS.flatMap((field) => aliasing(modulus, field)),
    ),
  ],
  [
    'the same texts in other places',
    [
      ...[
        { a: 'b', c: 'd' },
        { a: 'c', b: 'd' },
        { a: 'd', c: 'b' },
        { b: 'a', d: 'c' },
        { c: 'a', d: 'b' },
      ],
      ...[{ a: 'a' }, { b: 'b' }, { a: 'b', b: 'a' }, { a: 'a', b: 'b' }],
    ],
  ],
];

/**
 * Seals with each context of a family and opens each with others: only its own must do. Full tries the first with
 * all, all with the first, and neighbours.
 */
async function expectApart(
  { profile }: CaseContext,
  family: readonly EncryptionContext[],
  operation: string,
  sealWith: (encryptionContext: EncryptionContext) => Promise<Uint8Array>,
  openWith: (ciphertext: Uint8Array, encryptionContext: EncryptionContext) => Promise<unknown>,
): Promise<void> {
  const sealed = await Promise.all(family.map(sealWith));
  const attempts = sealed.flatMap((ciphertext, i) =>
    family.map(async (given, j) => {
      if (profile !== 'soak' && i > 0 && j > 0 && j !== i && j !== i + 1) return;
      const call = openWith(ciphertext, given);
      if (i === j) await call;
      else await expectError(call, 'INVALID_CIPHERTEXT', { operation });
    }),
  );
  await Promise.all(attempts);
}

/** A context of one pair whose value has this many bytes. */
const sized = (length: number): EncryptionContext => ({ tenant: 'x'.repeat(length) });

/** Seals under a context, which must open it, and under each of the others it must not. */
async function expectBound(
  context: CaseContext,
  key: { readonly keyId: string; readonly plaintext: Uint8Array },
  encryptionContext: EncryptionContext,
  others: readonly EncryptionContext[],
  what?: string,
): Promise<void> {
  const { provider } = context;
  const sealed = await seal(context, { ...key, encryptionContext });
  await expectOpens(provider, sealed, what);
  for (const other of others) {
    const call = open(provider, { ...sealed, encryptionContext: other });
    await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
  }
}

export const contextFamilyCases = casesOf(
  apart,
  [
    ...FAMILIES.map(
      ([title, family], i): CaseInput => ({
        id: `CTF-${101 + i}`,
        title: `encrypt and decrypt distinguish ${title}`,
        profile: 'full',
        async run(context) {
          const { provider, keys, secret } = context;
          const keyId = await keys.get();
          const plaintext = secret();
          await expectApart(
            context,
            family,
            'decrypt',
            async (encryptionContext) =>
              (await provider.encrypt({ keyId, plaintext, encryptionContext })).ciphertext,
            (ciphertext, encryptionContext) =>
              expectOpens(provider, { keyId, plaintext, ciphertext, encryptionContext }),
          );
        },
      }),
    ),
    {
      id: 'CTF-201',
      title: 'generateDataKey and reEncrypt distinguish all of them',
      needs: ['dataKeys'],
      profile: 'full',
      async run(context) {
        const { provider, keys } = context;
        const key = { keyId: await keys.get() };
        for (const [, family] of FAMILIES) {
          await expectApart(
            context,
            family,
            'reEncrypt',
            async (encryptionContext) =>
              (await provider.generateDataKey({ ...key, keySpec: 'AES_256', encryptionContext }))
                .ciphertext,
            (ciphertext, encryptionContext) =>
              provider.reEncrypt({
                ciphertext,
                source: { ...key, encryptionContext },
                destination: key,
              }),
          );
        }
      },
    },
    {
      id: 'CTF-301',
      title: 'binds values of every size, to their last byte',
      profile: 'full',
      async run(context) {
        const { provider } = context;
        const key = { keyId: await context.keys.get(), plaintext: context.secret() };
        // 2 bytes for the count of pairs, 2 for each length, 6 for the key, and one that is added.
        const longest = limitOf(provider.capabilities, 'encryptionContext') - 13;
        const sizes = [0, ...sizesUpTo(longest, context, { full: 97, soak: 3 })];
        await manyOf(sizes.length, async (index) => {
          const size = sizes[index] as number;
          const last = { tenant: `${'x'.repeat(Math.max(0, size - 1))}y` };
          const what = `the plaintext, with a value of ${size} bytes`;
          await expectBound(context, key, sized(size), [last], what);
        });
      },
    },
    {
      id: 'CTF-303',
      title: 'binds keys of every size, to their last byte',
      profile: 'full',
      async run(context) {
        const { provider } = context;
        const key = { keyId: await context.keys.get(), plaintext: context.secret() };
        const sizes = [1, 2, 127, 128, 254, 255, 256, 257, 1024, 4096].filter(
          (size) => size + 20 < limitOf(provider.capabilities, 'encryptionContext'),
        );
        for (const size of sizes) {
          const start = 'x'.repeat(size - 1);
          const others = [{ [`${start}z`]: 'a' }, { [start]: 'ya' }];
          await expectBound(context, key, { [`${start}y`]: 'a' }, others);
        }
      },
    },
    {
      id: 'CTF-304',
      title: 'binds 127 to 512 pairs, each of them',
      profile: 'full',
      async run(context) {
        const { provider } = context;
        const key = { keyId: await context.keys.get(), plaintext: context.secret() };
        // A pair takes up to 8 bytes, and the count 2.
        const limit = limitOf(provider.capabilities, 'encryptionContext');
        const counts = [127, 128, 129, 255, 256, 257, 512].filter((each) => 8 * each + 2 <= limit);
        for (const count of counts) {
          const pairs = Array.from({ length: count }, (_, i) => [`${i}`, 'v']);
          const encryptionContext = Object.fromEntries(pairs) as Record<string, string>;
          const others = [0, count >> 1, count - 1].flatMap((index) => {
            const { [`${index}`]: _, ...fewer } = encryptionContext;
            return [fewer, { ...fewer, [`${index}`]: 'w' }];
          });
          await expectBound(context, key, encryptionContext, others);
        }
      },
    },
    {
      id: 'CTF-302',
      title: 'binds 1 to 64 pairs, each of them',
      profile: 'full',
      async run(context) {
        const { provider } = context;
        const key = { keyId: await context.keys.get(), plaintext: context.secret() };
        // A pair takes up to 19 bytes.
        const limit = limitOf(provider.capabilities, 'encryptionContext');
        await manyOf(Math.min(64, Math.floor(limit / 20)), async (index) => {
          const pairs = Array.from({ length: index + 1 }, (_, i) => [`key ${i}`, `value ${i}`]);
          const encryptionContext = Object.fromEntries(pairs) as EncryptionContext;
          const { [`key ${index}`]: _, ...fewer } = encryptionContext;
          await expectBound(context, key, encryptionContext, [fewer]);
        });
      },
    },
  ],
  [...SYMMETRIC, 'encryptionContext'],
);
