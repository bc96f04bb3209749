import type { KeyWrapError } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import { flip } from '../damage.js';
import { check, expectError } from '../expect.js';
import type { SealedKey } from '../key-ring.js';
import type { KeyUse } from '../key-use.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { errorDetails, openingUses, sealBy, sealingUses } from '../operations.js';
import { encryptOutside } from '../outside.js';
import { type NamedKey, open, seal } from '../round-trip.js';

const integrity = {
  id: 'ciphertext-integrity',
  statement: 'Any flipped, missing or extra byte in a ciphertext gives INVALID_CIPHERTEXT',
  source: kmsApi('Decrypt'),
};

const alike = {
  id: 'damage-indistinguishable',
  statement: 'Nothing tells why a ciphertext does not open: the error always says the same',
  source: 'RFC 8017 section 7.1.2, the note on error messages (Manger 2001)',
};

/** Where to flip: everywhere where that is cheap, at some places in RSA. */
function positionsIn(ciphertext: Uint8Array, use: KeyUse): number[] {
  return placesIn(ciphertext, use.operation === 'decrypt' ? ciphertext.length : 12);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Tries spoilt ciphertexts of a symmetric key: decrypt must refuse each. */
async function expectSpoilt(
  { provider }: CaseContext,
  key: NamedKey,
  spoilt: readonly Uint8Array[],
): Promise<void> {
  for (const ciphertext of spoilt) {
    const call = open(provider, { ...key, ciphertext });
    await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
  }
}

/** So many places in a ciphertext, at equal distances, and the last one. */
function placesIn({ length: size }: Uint8Array, count: number): number[] {
  const step = Math.ceil(size / count);
  return Array.from({ length: size }, (_, i) => i).filter((i) => i % step === 0 || i === size - 1);
}

/** One sample of every kind of damage. */
function damaged(ciphertext: Uint8Array, use: KeyUse): Uint8Array[] {
  const size = ciphertext.length;
  const middle = size >> 1;
  return [
    ...positionsIn(ciphertext, use).map((index) => flip(ciphertext, index)),
    ciphertext.subarray(1),
    ciphertext.subarray(0, -1),
    ciphertext.subarray(0, middle),
    join(ciphertext, new Uint8Array(1)),
    join(ciphertext, ciphertext),
    join(new Uint8Array(1), ciphertext),
    ciphertext.slice().reverse(),
    new Uint8Array(size),
    new Uint8Array(size).fill(0xff),
    new Uint8Array(1),
    crypto.getRandomValues(new Uint8Array(size)),
    crypto.getRandomValues(new Uint8Array(300)),
  ];
}

async function expectRefused(
  use: KeyUse,
  context: CaseContext,
  key: SealedKey,
): Promise<KeyWrapError> {
  return expectError(use.call(context, key), 'INVALID_CIPHERTEXT', errorDetails(use, key.keyId));
}

/** What is tried with every call that opens a ciphertext. */
const DAMAGES: readonly (readonly [
  letter: string,
  title: string,
  damage: (ciphertext: Uint8Array, use: KeyUse) => readonly Uint8Array[],
])[] = [
  [
    'F',
    'a flipped bit anywhere',
    (ciphertext, use) =>
      positionsIn(ciphertext, use).flatMap((index) => [
        flip(ciphertext, index, 0x01),
        flip(ciphertext, index, 0x80),
      ]),
  ],
  [
    'M',
    'missing bytes: at the end, at the beginning, inside',
    (ciphertext, use) => {
      const size = ciphertext.length;
      const middle = size >> 1;
      // 1 to 16 bytes less: an authentication tag may be 4, 8, 12 to 16 bytes in GCM.
      const shorter = [1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16].filter((missing) => missing < size);
      const ends = use.operation === 'decrypt' ? shorter : [1, 4, 16];
      return [
        ...ends.map((missing) => ciphertext.subarray(0, size - missing)),
        ciphertext.subarray(1),
        ciphertext.subarray(16),
        ciphertext.subarray(0, 1),
        ciphertext.subarray(0, middle),
        join(ciphertext.subarray(0, middle), ciphertext.subarray(middle + 1)),
      ];
    },
  ],
  [
    'E',
    'extra bytes: at the end, at the beginning, inside',
    (ciphertext) => {
      const middle = ciphertext.length >> 1;
      return [
        join(ciphertext, new Uint8Array(1)),
        join(ciphertext, new Uint8Array(16)),
        join(ciphertext, new Uint8Array([10])),
        join(new Uint8Array(1), ciphertext),
        join(ciphertext.subarray(0, middle), new Uint8Array(1), ciphertext.subarray(middle)),
      ];
    },
  ],
  [
    'R',
    'what no key made',
    ({ length: size }) => [
      new Uint8Array(size),
      new Uint8Array(size).fill(0xff),
      crypto.getRandomValues(new Uint8Array(size)),
      new Uint8Array(1),
      crypto.getRandomValues(new Uint8Array(16)),
    ],
  ],
];

export const integrityCases = [
  ...casesOf(
    integrity,
    openingUses.flatMap((use) =>
      DAMAGES.map(
        ([letter, title, damage]): CaseInput => ({
          id: `INT-${letter}${use.number}`,
          title: `${use.title}: refuses ${title}`,
          needs: use.needs,
          async run(context) {
            const key = await context.keys.sealed(use.kind);
            for (const ciphertext of damage(key.ciphertext, use)) {
              await expectRefused(use, context, { ...key, ciphertext });
            }
          },
        }),
      ),
    ),
  ),
  ...casesOf(integrity, [
    {
      id: 'INT-001',
      title: 'refuses a ciphertext put together from two',
      needs: SYMMETRIC,
      async run(context) {
        const [one, two] = [await seal(context), await seal(context)];
        const spoilt = [8, 16, 24, 32, 48].map((tail) =>
          join(one.ciphertext.subarray(0, -tail), two.ciphertext.subarray(-tail)),
        );
        await expectSpoilt(context, { keyId: one.keyId }, spoilt);
      },
    },
    {
      id: 'INT-003',
      title: 'refuses a flipped bit anywhere in the ciphertext of 4096 bytes',
      needs: SYMMETRIC,
      async run(context) {
        const { keyId, ciphertext } = await seal(context, { plaintext: context.secret(4096) });
        const spoilt = placesIn(ciphertext, 68).map((index) => flip(ciphertext, index));
        await expectSpoilt(context, { keyId }, spoilt);
      },
    },
    ...sealingUses.map(
      (use): CaseInput => ({
        id: `INT-10${use.number}`,
        title: `${use.title}: what it wraps is refused when it is damaged`,
        needs: use.needs,
        async run(context) {
          const keyId = await context.keys.get();
          const sealed = await sealBy(use, context, { keyId });
          await expectSpoilt(context, { keyId }, [
            ...placesIn(sealed, 24).map((index) => flip(sealed, index)),
            sealed.subarray(0, -1),
            join(sealed, new Uint8Array(1)),
          ]);
        },
      }),
    ),
    {
      id: 'INT-002',
      title: 'refuses an RSA ciphertext without its leading zero, although the number is the same',
      needs: RSA,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get('RSA_2048');
        const algorithm = keys.rsaAlgorithm;
        const { publicKey } = await provider.getPublicKey({ keyId });
        const plaintext = secret();
        let sealed: Uint8Array;
        // One in 256 begins with a zero.
        do sealed = await encryptOutside(publicKey, plaintext, algorithm);
        while (sealed[0] !== 0);
        const ciphertext = sealed.subarray(1);
        const call = provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
        // RFC 8017 section 7.1.2 step 1b: the length must be that of the modulus.
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
      },
    },
  ]),
  ...casesOf(
    alike,
    openingUses.map(
      (use): CaseInput => ({
        id: `ALK-0${use.number}`,
        title: `${use.title}: says the same whatever the damage`,
        needs: use.needs,
        async run(context) {
          const key = await context.keys.sealed(use.kind);
          const [first = key.ciphertext, ...others] = damaged(key.ciphertext, use);
          const errors: KeyWrapError[] = [];
          for (const ciphertext of [first, ...others, first]) {
            errors.push(await expectRefused(use, context, { ...key, ciphertext }));
          }
          expectAlike(errors);
        },
      }),
    ),
  ),
  ...casesOf(alike, [
    {
      id: 'ALK-101',
      title: 'decrypt says the same for another encryption context as for damage',
      needs: [...SYMMETRIC, 'encryptionContext'],
      async run(context) {
        const sealed = await seal(context, { encryptionContext: { tenant: 'a' } });
        const { keyId, ciphertext } = sealed;
        const wrong = { keyId, ciphertext, encryptionContext: { tenant: 'b' } };
        const calls = [
          wrong,
          { keyId, ciphertext },
          { ...sealed, ciphertext: flip(ciphertext) },
          { ...sealed, ciphertext: new Uint8Array(1) },
          wrong,
        ].map((each) => open(context.provider, each));
        const details = { operation: 'decrypt' };
        const errors = await Promise.all(
          calls.map((call) => expectError(call, 'INVALID_CIPHERTEXT', details)),
        );
        expectAlike(errors);
      },
    },
  ]),
];

/** What may differ from call to call without saying anything about the ciphertext. */
const UNTELLING = ['requestId', 'stack', 'cause', 'keyId'];

/** What a caller reads in an error. */
function tellingOf(error: KeyWrapError): Map<string, unknown> {
  const { name, message, requestId } = error;
  const told = requestId ? message.replaceAll(requestId, '') : message;
  const own = Object.entries(error).filter(([key, value]) => {
    return !UNTELLING.includes(key) && ['string', 'number', 'boolean'].includes(typeof value);
  });
  return new Map([...own, ['name', name], ['message', told]]);
}

/**
 * Fails the case unless all errors say the same. The first and the last are about the same ciphertext:
 * what differs between them, a time or a trace id, says nothing about it.
 */
function expectAlike(errors: readonly KeyWrapError[]): void {
  const told = errors.map(tellingOf);
  const [first, last] = [told[0], told.at(-1)];
  const names = new Set(told.flatMap((each) => [...each.keys()]));
  for (const name of names) {
    if (name !== 'message' && first?.get(name) !== last?.get(name)) continue;
    const values = new Set(told.map((each) => String(each.get(name))));
    check(
      values.size === 1,
      `the same ${name} for every kind of damage`,
      `${values.size}: ${[...values].map((value) => JSON.stringify(value)).join(', ')}`,
    );
  }
}
