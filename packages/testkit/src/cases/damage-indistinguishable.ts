import type { KeyWrapError, KeyWrapErrorCode } from '@keywrap/core';
import { expectAlike } from '../alike.js';
import { joinBytes } from '../bytes.js';
import { type CaseContext, type CaseInput, casesOf } from '../case.js';
import { changed, flip, oneOfEach } from '../damage.js';
import { expectError } from '../expect.js';
import { invoke, type KeyUse } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { damageCodes, errorDetails, openingUses } from '../operations.js';
import { keyOfKind, open, seal } from '../round-trip.js';

const alike = {
  id: 'damage-indistinguishable',
  statement:
    'Every failure to decrypt a ciphertext has the same error, whatever the reason; a key that must not be used does not even tell whether it would fail',
  source: 'RFC 8017 section 7.1.2, the note on error messages (Manger 2001)',
  power:
    'Always, in every profile: an error that differs for one of up to 200 kinds of damage; a cause, a detail or the lack of one that differs between changes of the last 36 bytes, another context and a tag of another ciphertext; a disabled, pending or denied key that tells an intact ciphertext from others.',
};

/** Changes one byte so that the form stays: of text, a letter or a digit into another one of that kind. */
function hiddenDamage(ciphertext: Uint8Array, place: number): Uint8Array[] {
  const isText = ciphertext.every((byte) => byte >= 0x20 && byte < 0x7f);
  if (!isText) return [0x01, 0x80].map((mask) => flip(ciphertext, place, mask));
  const isPlain = /[0-9a-zA-Z]/.test(String.fromCharCode(ciphertext[place] ?? 0));
  const letters = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.charCodeAt(0));
  const [other = 0x61] = letters.filter((code) => code !== ciphertext[place]);
  return isPlain ? [flip(ciphertext, place, (ciphertext[place] ?? 0) ^ other)] : [];
}

export const indistinguishableCases = [
  ...casesOf(
    alike,
    openingUses.map(
      (use): CaseInput => ({
        id: `ALK-0${use.number}`,
        title: `${use.title}: has the same error whatever the damage`,
        needs: use.needs,
        async run(context) {
          const key = await context.keys.sealed(use.kind);
          const [first = key.ciphertext, ...others] = oneOfEach(
            key.ciphertext,
            use,
            context.provider,
          );
          const errors: KeyWrapError[] = [];
          for (const ciphertext of [first, ...others, first]) {
            const call = use.call(context, { ...key, ciphertext });
            const details = errorDetails(use, key.keyId);
            errors.push(await expectError(call, damageCodes(use), details));
          }
          for (const code of damageCodes(use)) {
            expectAlike(errors.filter((error) => error.code === code));
          }
        },
      }),
    ),
  ),
  ...casesOf(
    alike,
    openingUses.map(
      (use): CaseInput => ({
        id: `ALK-3${use.number}`,
        title: `${use.title}: under a key that is disabled, pending deletion or denied, an intact ciphertext has the error of a damaged one`,
        needs: [...use.needs, 'keys.disable'],
        async run(context) {
          const { keys } = context;
          const isDenied = await keys.denies('use', use.kind);
          const changes = [
            ['disable', 'KEY_DISABLED'],
            ...(keys.can('scheduleDeletion') ? [['scheduleDeletion', 'KEY_STATE'] as const] : []),
            ...(isDenied ? [['deny', 'ACCESS_DENIED'] as const] : []),
          ] as const;
          for (const [change, code] of changes) await expectSilent(use, context, change, code);
        },
      }),
    ),
  ),
  ...casesOf(
    alike,
    openingUses
      .filter(({ kind }) => kind === 'SYMMETRIC_DEFAULT')
      .map(
        (use): CaseInput => ({
          id: `ALK-2${use.number}`,
          title: `${use.title}: has the same error, with the same causes and details, for all damage that only a tag shows`,
          needs: use.needs,
          async run(context) {
            const [sealed, other] = [await seal(context), await seal(context)];
            const { ciphertext } = sealed;
            const { length } = ciphertext;
            const places = [1, 2, 7, 15, 16, 17, 20, 24, 31, 32].map((back) => length - 5 - back);
            const all = [
              ...places.flatMap((place) => hiddenDamage(ciphertext, place)),
              joinBytes(ciphertext.subarray(0, -24), other.ciphertext.subarray(-24)),
            ].map((each) => ({ ...sealed, ciphertext: each }));
            const binds = context.provider.capabilities.encryptionContext;
            const wrong = [
              ...all,
              ...(binds ? [{ ...sealed, encryptionContext: { tenant: 'b' } }] : []),
              ...all.slice(0, 1),
            ];
            const errors: KeyWrapError[] = [];
            for (const each of wrong) {
              const call = use.call(context, each);
              const { operation } = use;
              errors.push(await expectError(call, 'INVALID_CIPHERTEXT', { operation }));
            }
            expectAlike(errors, true);
          },
        }),
      ),
  ),
  ...casesOf(alike, [
    {
      id: 'ALK-101',
      title: 'decrypt has the same error for another encryption context as for damage',
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

/** Fails the case if a key that must not be used tells an intact ciphertext from others. */
async function expectSilent(
  use: KeyUse,
  context: CaseContext,
  change: 'disable' | 'scheduleDeletion' | 'deny',
  code: KeyWrapErrorCode,
): Promise<void> {
  const { provider, keys } = context;
  const hasContext = provider.capabilities.encryptionContext && use.kind !== 'RSA_2048';
  const key = {
    ...keyOfKind(context, use.kind, await keys.create(use.kind)),
    ...(hasContext && { encryptionContext: { tenant: 'a' } }),
  };
  const [intact, other] = [await seal(context, key), await seal(context, key)];
  const { ciphertext } = intact;
  const middle = ciphertext.length >> 1;
  const halves = joinBytes(ciphertext.subarray(0, middle), other.ciphertext.subarray(middle));
  const spliced = changed(halves, 'its first half with the second of another one');
  // Where the call does not name the key, or only the backend knows the right to use it, what is malformed for all to see
  // may be rejected earlier.
  const isFirst = use.keyIdField !== undefined && change !== 'deny';
  const damaged = isFirst ? [spliced, ...oneOfEach(ciphertext, use, provider)] : [spliced];
  const inputs = [
    intact,
    ...damaged.map((each) => ({ ...intact, ciphertext: each })),
    ...(hasContext ? [{ ...intact, encryptionContext: { tenant: 'b' } }] : []),
    intact,
  ];
  const calls = await Promise.all(inputs.map((each) => use.input(context, each)));
  await (change === 'deny' ? keys.deny(key.keyId, 'use') : keys[change](key.keyId));
  const errors: KeyWrapError[] = [];
  for (const input of calls) {
    const call = invoke(provider, use, input);
    errors.push(await expectError(call, code, errorDetails(use, key.keyId)));
  }
  expectAlike(errors);
}
