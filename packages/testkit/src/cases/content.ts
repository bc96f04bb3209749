import { LIMITS, limitOf, maximumPlaintextLength, type ReEncryptInput } from '@keywrap/core';
import { hexOf, latin1Of } from '../bytes.js';
import { type CaseContext, type CaseInput, casesOf } from '../case.js';
import { check, expectBytes } from '../expect.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { positionsThatTell } from '../nonce-statistics.js';
import { sealBy, sealingUses } from '../operations.js';
import { expectOpens, type Known, keyOf, open, seal } from '../round-trip.js';
import { sizesUpTo } from '../sizes.js';
import { manyOf } from '../statistics.js';

const content = {
  id: 'content-independent',
  statement:
    'A plaintext is only bytes: its value changes neither the length of the ciphertext (no compression) nor what is done with it, and nothing of it is in the ciphertext',
  source: 'RFC 3749 section 6; CRIME (2012)',
  power:
    'Always found: a length that depends on repetition, zeros or text in 16 to 4,096 bytes; a size from 1 to 4,096 that fails, by soak (in full: each size to 65, and next to powers of two); a byte of the ciphertext that depends on the plaintext alone; 8 bytes of the plaintext in it. An RSA ciphertext that loses its leading zero with 98 % by full.',
};

const text = (value: string) => new TextEncoder().encode(value);

/** Plaintexts that something on the way could take for its own. */
async function tricky(context: CaseContext): Promise<Uint8Array[]> {
  const inner = await seal(context);
  const longest = limitOf(context.provider.capabilities, 'plaintext');
  const twice = await seal(context, { plaintext: inner.ciphertext.slice(0, longest) });
  const base64 = btoa(latin1Of(inner.ciphertext));
  const hex = Array.from(inner.ciphertext, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const texts = [
    ...[
      base64,
      hex,
      ...[32, 48, 64].map((length) => hex.toUpperCase().slice(0, length)),
      crypto.randomUUID().toUpperCase(),
      base64.toLowerCase(),
      `vault:v1:${base64}`,
      `{"ciphertext":"${base64}"}`,
      'null',
      '{}',
      '[]',
      '""',
    ],
    ...[
      'undefined',
      'NaN',
      '0',
      '-1',
      '1e999',
      '\ufefftext',
      'text\r\n',
      '\n',
      ' ',
      '%00',
      '\\0',
      '$(x)',
      '<a/>',
      'é',
    ],
    '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
  ];
  const bytes = [
    ...[
      [0x1f, 0x8b, 8, 0],
      [0x50, 0x4b, 3, 4],
      [0x78, 0x9c],
      [0xff, 0xfe, 0x41, 0],
      [0xef, 0xbb, 0xbf],
      [0xc3],
    ],
    ...[
      [0x30, 0x80, 0, 0],
      [0x30, 3, 2, 1, 0],
      [0x80],
      [0, 0x80],
      [1, 0],
      [0, 2, 0xff, 0, 1],
      [0xed, 0xa0, 0x80],
    ],
    // What removing a padding or blanks would change.
    ...[0, 1, 2, 16, 32].map((value) => [...new Uint8Array(30), value, value]),
    ...[8, 16].map((size) => new Uint8Array(size).fill(size)),
    [...new Uint8Array(15).fill(7), 0x80],
  ];
  return [
    ...[inner.ciphertext, inner.ciphertext.slice(1), twice.ciphertext],
    ...texts.map(text),
    ...bytes.map((each) => Uint8Array.from(each)),
  ].filter(({ length }) => length <= longest);
}

/** Plaintexts of one size that a compressor would make shorter, and one that it would not. */
function alike(size: number): Uint8Array[] {
  const random = crypto.getRandomValues(new Uint8Array(size));
  return [
    random,
    new Uint8Array(size),
    new Uint8Array(size).fill(0xff),
    new Uint8Array(size).map((_, i) => 0x61 + (i % 3)),
    random.map((byte) => byte & 0x0f),
    random.map((byte, i) => (i === 0 || i === size - 1 ? 0 : byte)),
  ];
}

/** Sizes at which software changes how it encrypts. */
const SIZES = [16, 32, 48, 64, 100, 128, 192, 256, 512, 1000, 1024, 2048, 3000, 4096];

const partsOf = (bytes: Uint8Array) =>
  Array.from({ length: Math.max(0, bytes.length - 11) }, (_, i) =>
    latin1Of(bytes.subarray(i, i + 12)),
  );

/** Fails the case when 8 bytes in a row of the plaintext are in the ciphertext, as they are or as text. */
function expectConcealed(ciphertext: Uint8Array, plaintext: Uint8Array): void {
  const shown = latin1Of(ciphertext);
  for (let i = 0; i + 8 <= plaintext.length; i += 4) {
    const part = plaintext.subarray(i, i + 8);
    const isShown = [latin1Of(part), hexOf(part), latin1Of(part.toReversed())].some((each) =>
      shown.includes(each),
    );
    check(!isShown, 'an encrypted plaintext', `a ciphertext with its bytes from ${i} on in it`);
  }
}

/** Round trips of these sizes. */
async function expectSizes(
  context: CaseContext,
  kind: 'SYMMETRIC_DEFAULT' | 'RSA_2048',
  sizes: readonly number[],
): Promise<void> {
  const key = await keyOf(context, kind);
  await manyOf(sizes.length, async (index) => {
    const plaintext = context.secret(sizes[index] as number);
    const what = `a plaintext of ${plaintext.length} bytes`;
    const sealed = await seal(context, { ...key, plaintext });
    await expectOpens(context.provider, sealed, what);
    const moving = { ciphertext: sealed.ciphertext, source: key, destination: key };
    const { ciphertext } = await context.provider.reEncrypt(moving as ReEncryptInput);
    await expectOpens(context.provider, { ...sealed, ciphertext }, `${what}, moved`);
  });
}

const upTo = (maximum: number) => Array.from({ length: maximum }, (_, i) => i + 1);

export const contentCases = [
  ...casesOf(
    content,
    [
      {
        id: 'CNT-101',
        title: 'the length of a ciphertext depends on the length of the plaintext alone',
        async run({ provider, keys }) {
          const keyId = await keys.get();
          const longest = limitOf(provider.capabilities, 'plaintext');
          for (const size of [16, 64, 256, 1024, longest].filter((each) => each <= longest)) {
            const made = await Promise.all(
              alike(size).map((plaintext) => provider.encrypt({ keyId, plaintext })),
            );
            const lengths = new Set(made.map(({ ciphertext }) => ciphertext.length));
            check(
              lengths.size === 1,
              `ciphertexts of one length for ${size} bytes of any kind`,
              [...lengths].sort((a, b) => a - b).join(', '),
            );
          }
        },
      },
      {
        id: 'CNT-102',
        title: 'no byte of a ciphertext tells whether two plaintexts are equal',
        profile: 'full',
        async run({ provider, keys, secret }) {
          const keyId = await keys.get();
          const plaintexts = [secret(), secret()] as const;
          const made: [Uint8Array[], Uint8Array[]] = [[], []];
          // In turn: what tells the time is then the same in both.
          for (let i = 0; i < 16; i++) {
            const plaintext = plaintexts[i & 1] as Uint8Array;
            made[i & 1]?.push((await provider.encrypt({ keyId, plaintext })).ciphertext);
          }
          const telling = positionsThatTell(...made);
          check(
            telling.length === 0,
            'ciphertexts of two plaintexts that have nothing to tell them by',
            `bytes that depend on the plaintext alone: ${telling.join(', ')}`,
          );
        },
      },
      {
        id: 'CNT-103',
        title:
          'shows no part of a plaintext in its ciphertext, at any size, and no part of a ciphertext twice',
        profile: 'full',
        async run(context) {
          const { provider, keys, secret } = context;
          const keyId = await keys.get();
          const longest = limitOf(provider.capabilities, 'plaintext');
          for (const size of SIZES.filter((each) => each <= longest)) {
            const plaintext = secret(size);
            const { ciphertext } = await provider.encrypt({ keyId, plaintext });
            expectConcealed(ciphertext, plaintext);
            const zeros = new Uint8Array(size);
            const blank = (await provider.encrypt({ keyId, plaintext: zeros })).ciphertext;
            // Of a header, parts may repeat: those are in both.
            const header = new Set(partsOf(ciphertext));
            const parts = partsOf(blank).filter((part) => !header.has(part));
            const { size: different } = new Set(parts);
            check(
              different === parts.length,
              `a ciphertext of ${size} zeros without a part that repeats`,
              `${parts.length - different} parts of 12 bytes that do`,
            );
          }
        },
      },
      ...sealingUses
        .filter(({ operation }) => operation.startsWith('generate'))
        .map(
          (use): CaseInput => ({
            id: `CNT-11${use.number}`,
            title: `${use.title}: shows no part of what it wraps in the ciphertext`,
            needs: use.needs,
            async run(context) {
              const keyId = await context.keys.get();
              const ciphertext = await sealBy(use, context, { keyId });
              const { plaintext } = await context.provider.decrypt({ keyId, ciphertext });
              // A private key begins as all of its kind do, and may end with its public key.
              expectConcealed(
                ciphertext,
                plaintext.length > 32 ? plaintext.slice(36, 68) : plaintext,
              );
            },
          }),
        ),
      {
        id: 'CNT-201',
        title: 'takes a ciphertext, and what looks like data of another kind, as any plaintext',
        profile: 'full',
        async run(context) {
          const { provider } = context;
          const key = { keyId: await context.keys.get() };
          const other = { keyId: await context.keys.get('SYMMETRIC_DEFAULT', 1) };
          const plaintexts = await tricky(context);
          await manyOf(plaintexts.length, async (index) => {
            const plaintext = plaintexts[index] as Uint8Array;
            const sealed = await seal(context, { ...key, plaintext });
            await expectOpens(provider, sealed);
            const moving = { ciphertext: sealed.ciphertext, source: key, destination: other };
            const { ciphertext } = await provider.reEncrypt(moving);
            await expectOpens(provider, { ...other, plaintext, ciphertext });
          });
        },
      },
      {
        id: 'CNT-202',
        title: 'a ciphertext that was encrypted three times decrypts in three steps',
        async run(context) {
          const { provider } = context;
          const longest = limitOf(provider.capabilities, 'plaintext');
          const sealed: Known[] = [];
          let plaintext = context.secret();
          for (let i = 0; i < 3; i++) {
            const each = await seal(context, { plaintext });
            sealed.push(each);
            // A ciphertext may be longer than any plaintext.
            plaintext = each.ciphertext.slice(0, longest);
          }
          for (const each of sealed.reverse()) {
            expectBytes(
              (await open(provider, each)).plaintext,
              each.plaintext,
              'what was encrypted',
            );
          }
        },
      },
      {
        id: 'CNT-301',
        title: `encrypts and moves every size from 1 to ${LIMITS.plaintext}: small ones and those at powers of two; all in soak`,
        profile: 'full',
        async run(context) {
          const longest = limitOf(context.provider.capabilities, 'plaintext');
          const sizes = sizesUpTo(longest, context, { full: 256, soak: 1 });
          await expectSizes(context, 'SYMMETRIC_DEFAULT', sizes);
        },
      },
    ],
    SYMMETRIC,
  ),
  ...casesOf(
    content,
    [
      {
        id: 'CNT-401',
        title: 'RSA: encrypts and moves every size that fits: some in full, all in soak',
        profile: 'full',
        async run(context) {
          const maximum = maximumPlaintextLength(context.keys.rsaAlgorithm, 'RSA_2048');
          const sizes = upTo(maximum).filter(
            (size) => context.profile === 'soak' || size === maximum || (size & (size - 1)) === 0,
          );
          await expectSizes(context, 'RSA_2048', sizes);
        },
      },
      {
        id: 'CNT-402',
        title:
          'RSA: 1,000 ciphertexts (soak: 5,000) have one length, also those that begin with a zero',
        profile: 'full',
        async run(context) {
          const input = { ...(await keyOf(context, 'RSA_2048')), plaintext: context.secret() };
          const count = context.profile === 'soak' ? 5000 : 1000;
          const lengths = await manyOf(
            count,
            async () => (await context.provider.encrypt(input)).ciphertext.length,
          );
          const different = [...new Set(lengths)];
          check(different.length === 1, 'ciphertexts of one length', different.join(', '));
        },
      },
    ],
    RSA,
  ),
];
