import { limitOf } from '@keywrap/core';
import { joinBytes, latin1Of } from '../bytes.js';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import {
  changed,
  DAMAGES,
  damagesOf,
  flip,
  insert,
  placesIn,
  rearranged,
  remove,
} from '../damage.js';
import { expectError } from '../expect.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { damageCodes, errorDetails, openingUses, sealBy, sealingUses } from '../operations.js';
import { encryptOutside } from '../outside.js';
import { type NamedKey, open, seal } from '../round-trip.js';
import { manyOf } from '../statistics.js';

const integrity = {
  id: 'ciphertext-integrity',
  statement:
    'A ciphertext with any flipped, missing or extra byte is rejected (INVALID_CIPHERTEXT)',
  source: kmsApi('Decrypt'),
};

/** Tries damaged ciphertexts of a symmetric key: decrypt must reject each. */
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

/** Does the same with many of them at once: of so many, a damaged name may pass a short checksum as another key's. */
async function expectAllSpoilt(
  { provider }: CaseContext,
  key: NamedKey,
  spoilt: readonly Uint8Array[],
): Promise<void> {
  await manyOf(spoilt.length, (i) => {
    const call = open(provider, { ...key, ciphertext: spoilt[i] as Uint8Array });
    return expectError(call, ['INVALID_CIPHERTEXT', 'INCORRECT_KEY'], { operation: 'decrypt' });
  });
}

/** Texts that a decoder may take for the same: with blanks, without padding, with stray bits, in other letters. */
function spellings(text: string): string[] {
  const places = [0, 1, text.length >> 1, text.length - 1, text.length];
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_';
  const last = text.replace(/=*$/, '').length - 1;
  return [
    ...[' ', '\n', '\r\n', '\t', '\0', '=', '0', '%20'].flatMap((extra) =>
      places.map((place) => text.slice(0, place) + extra + text.slice(place)),
    ),
    ...[...digits].map((digit) => text.slice(0, last) + digit + text.slice(last + 1)),
    ...[text.toUpperCase(), text.toLowerCase(), text.replace(/=+$/, ''), encodeURIComponent(text)],
    ...[text.replace(/\+/g, '-').replace(/\//g, '_'), text.replace(/-/g, '+').replace(/_/g, '/')],
    text.replace(/(\d+)/, '0$1'),
  ].filter((each) => each !== text);
}

export const integrityCases = [
  ...casesOf(
    integrity,
    openingUses.flatMap((use) =>
      DAMAGES.map(
        (kind): CaseInput => ({
          id: `INT-${kind[0]}${use.number}`,
          title: `${use.title}: rejects ${kind[1]}`,
          needs: use.needs,
          async run(context) {
            const key = await context.keys.sealed(use.kind);
            for (const ciphertext of damagesOf(kind, key.ciphertext, use, context.provider)) {
              const call = use.call(context, { ...key, ciphertext });
              await expectError(call, damageCodes(use), errorDetails(use, key.keyId));
            }
          },
        }),
      ),
    ),
  ),
  ...casesOf(integrity, [
    {
      id: 'INT-001',
      title: 'rejects a ciphertext put together from two',
      needs: SYMMETRIC,
      async run(context) {
        const [one, two] = [await seal(context), await seal(context)];
        const spoilt = [8, 16, 24, 32, 48].map((tail) =>
          changed(
            joinBytes(one.ciphertext.subarray(0, -tail), two.ciphertext.subarray(-tail)),
            `the last ${tail} bytes those of another ciphertext`,
          ),
        );
        await expectSpoilt(context, { keyId: one.keyId }, spoilt);
      },
    },
    {
      id: 'INT-003',
      profile: 'full',
      title: 'rejects a flipped bit anywhere in the ciphertext of the longest plaintext',
      needs: SYMMETRIC,
      async run(context) {
        const { keyId, ciphertext } = await seal(context, {
          plaintext: context.secret(limitOf(context.provider.capabilities, 'plaintext')),
        });
        const spoilt = placesIn(ciphertext, 68).map((index) => flip(ciphertext, index));
        await expectSpoilt(context, { keyId }, spoilt);
      },
    },
    {
      id: 'INT-004',
      profile: 'full',
      title:
        'rejects every value in the place of each of the first 4 bytes, and each flipped bit of the next 36',
      needs: SYMMETRIC,
      async run(context) {
        const { keyId, ciphertext } = await seal(context);
        const first = [0, 1, 2, 3].flatMap((index) =>
          Array.from({ length: 255 }, (_, i) => flip(ciphertext, index, i + 1)),
        );
        const next = Array.from({ length: 8 * 36 }, (_, i) =>
          flip(ciphertext, 4 + (i >> 3), 1 << (i & 7)),
        );
        await expectAllSpoilt(context, { keyId }, [...first, ...next]);
      },
    },
    {
      id: 'INT-005',
      profile: 'full',
      title: 'rejects a long ciphertext with parts of it removed, repeated or exchanged',
      needs: SYMMETRIC,
      async run(context) {
        const { provider, secret } = context;
        const longest = limitOf(provider.capabilities, 'plaintext');
        const { keyId, ciphertext } = await seal(context, { plaintext: secret(longest) });
        const most = limitOf(provider.capabilities, 'ciphertext');
        // Nothing, a tag or another one.
        const spoilt = [0, 12, 16, 28, 32].flatMap((after) => rearranged(ciphertext, after));
        const fitting = spoilt.filter(({ length }) => length <= most);
        await expectAllSpoilt(context, { keyId }, fitting);
      },
    },
    {
      id: 'INT-006',
      title: 'rejects the text of a ciphertext in another spelling, if it is text',
      needs: SYMMETRIC,
      async run(context) {
        const { keyId, ciphertext } = await seal(context);
        const text = latin1Of(ciphertext);
        if (!/^[\x20-\x7e]*$/.test(text)) return;
        const spoilt = spellings(text).map((each) =>
          changed(new TextEncoder().encode(each), 'another spelling'),
        );
        await expectAllSpoilt(context, { keyId }, spoilt);
      },
    },
    {
      id: 'INT-007',
      profile: 'full',
      title:
        'rejects 256 ciphertexts whose last bit is flipped: some end in a tag with a zero byte',
      needs: SYMMETRIC,
      async run(context) {
        const keyId = await context.keys.get();
        const sealed = await manyOf(256, () => seal(context, { keyId }));
        const spoilt = sealed.map(({ ciphertext }) => flip(ciphertext));
        await expectAllSpoilt(context, { keyId }, spoilt);
      },
    },
    ...sealingUses.map(
      (use): CaseInput => ({
        id: `INT-10${use.number}`,
        profile: 'full',
        title: `${use.title}: damage to what it wraps is rejected`,
        needs: use.needs,
        async run(context) {
          const keyId = await context.keys.get();
          const sealed = await sealBy(use, context, { keyId });
          await expectSpoilt(context, { keyId }, [
            ...placesIn(sealed, 24).map((index) => flip(sealed, index)),
            remove(sealed, sealed.length - 1),
            insert(sealed, new Uint8Array(1)),
          ]);
        },
      }),
    ),
    {
      id: 'INT-002',
      title: 'rejects an RSA ciphertext without its leading zero, although the number is the same',
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
        const ciphertext = remove(sealed, 0, 1);
        const call = provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
        // RFC 8017 section 7.1.2 step 1b: the length must be that of the modulus.
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
      },
    },
  ]),
];
