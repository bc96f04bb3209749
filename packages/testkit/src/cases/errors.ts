import { formatKeyArn, parseKeyId } from '@keywrap/core';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check, expectError } from '../expect.js';
import { OWN_RUNTIME, RSA, SYMMETRIC } from '../needs.js';
import { allUses, keyFor, keyUses, openingUses } from '../operations.js';
import { keyOf, open, seal } from '../round-trip.js';

const shape = {
  id: 'errors',
  statement:
    'Every failure is a rejection with a KeyWrapError: stable code, retryable, the operation, and the key id when the call named one',
  source: CONTRACT,
};

const silent = {
  id: 'errors-hide-secrets',
  statement:
    'No error shows key bytes, plaintext or ciphertext: not in its message, properties or causes',
  source: CONTRACT,
};

export const errorCases = [
  ...casesOf(shape, [
    ...allUses
      .filter(({ keyIdField }) => keyIdField !== undefined)
      .map(
        (use): CaseInput => ({
          id: `ERR-1${use.number}`,
          title: `${use.title}: an error has code, operation, keyId and is not retryable`,
          needs: use.needs,
          async run(context) {
            const key = await keyFor(use, context.keys);
            const parsed = parseKeyId(key.keyId);
            check(parsed.kind === 'key-arn', 'a key ARN from the harness', key.keyId);
            const keyId = formatKeyArn('00000000-0000-4000-8000-00000000000e', parsed);
            const { operation } = use;
            // An error of reEncrypt may name either of the two keys.
            const named = await Promise.all(
              operation === 'reEncrypt' ? [context.keys.get(use.kind), keyId] : [keyId],
            );
            const call = use.call(context, { ...key, keyId });
            await expectError(call, 'KEY_NOT_FOUND', { operation, keyId: named });
          },
        }),
      ),
    ...openingUses.map(
      (use): CaseInput => ({
        id: `ERR-3${use.number}`,
        title: `${use.title}: the error of a failed decryption has the key that the call named`,
        needs: use.needs,
        async run(context) {
          const key = await keyFor(use, context.keys);
          const call = use.call(context, { ...key, ciphertext: flip(key.ciphertext) });
          const { operation } = use;
          // Both sides of reEncrypt are this key.
          const keyId = use.keyIdField === undefined ? undefined : [key.keyId];
          await expectError(call, 'INVALID_CIPHERTEXT', { operation, keyId });
        },
      }),
    ),
    ...uniqueOperations().map(
      ({ number, operation, needs }): CaseInput => ({
        id: `ERR-2${number}`,
        title: `${operation}: rejects, and never throws, whatever its input`,
        needs: [...needs, OWN_RUNTIME],
        async run({ provider }) {
          for (const input of [[], [null], [0], ['text'], [{}], [{ keyId: 0 }, 0], [[], []]]) {
            // Without other fields, the call may be unsupported.
            const codes = ['INVALID_INPUT', 'UNSUPPORTED'] as const;
            await expectError(Reflect.apply(provider[operation], provider, input), codes, {
              operation,
            });
          }
        },
      }),
    ),
  ]),
  ...casesOf(silent, [
    {
      id: 'LEA-001',
      title: 'shows no secret: a rejected plaintext',
      needs: SYMMETRIC,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const details = { operation: 'encrypt' };
        const long = secret(4097);
        const text = Buffer.from(secret()).toString();
        for (const plaintext of [long, text, Array.from(secret()), { bytes: secret() }]) {
          const call = provider.encrypt({ keyId, plaintext } as never);
          await expectError(call, 'INVALID_INPUT', details);
        }
        const misspelt = provider.encrypt({ keyId, plaintxt: secret() } as never);
        await expectError(misspelt, 'INVALID_INPUT', details);
        const missing = { keyId: 'alias/keywrap-no-such-alias', plaintext: secret() };
        await expectError(provider.encrypt(missing), 'KEY_NOT_FOUND', details);
      },
    },
    ...keyUses
      .filter(({ operation, keyIdField }) => /crypt/i.test(operation) && keyIdField !== undefined)
      .map(
        (use): CaseInput => ({
          id: `LEA-1${use.number}`,
          title: `${use.title}: shows no secret when there is no such key`,
          needs: use.needs,
          async run(context) {
            const key = await keyFor(use, context.keys);
            const missing = { ...key, keyId: 'alias/keywrap-no-such-alias' };
            const { operation } = use;
            await expectError(use.call(context, missing), 'KEY_NOT_FOUND', { operation });
          },
        }),
      ),
    ...openingUses.map(
      (use): CaseInput => ({
        id: `LEA-2${use.number}`,
        title: `${use.title}: shows no secret when decryption fails`,
        needs: use.needs,
        async run(context) {
          const key = await keyFor(use, context.keys);
          const call = use.call(context, { ...key, ciphertext: flip(key.ciphertext) });
          await expectError(call, 'INVALID_CIPHERTEXT', { operation: use.operation });
        },
      }),
    ),
    {
      id: 'LEA-002',
      title: 'shows no secret: a failed decryption',
      needs: SYMMETRIC,
      async run(context) {
        const { provider, keys, secret } = context;
        const details = { operation: 'decrypt' };
        const sealed = await seal(context);
        const { keyId, ciphertext } = sealed;
        for (const index of [0, ciphertext.length >> 1, ciphertext.length - 1]) {
          const call = open(provider, { ...sealed, ciphertext: flip(ciphertext, index) });
          await expectError(call, 'INVALID_CIPHERTEXT', details);
        }
        const source = { keyId: await keys.get('SYMMETRIC_DEFAULT', 1) };
        await expectError(open(provider, { ...sealed, ...source }), 'INCORRECT_KEY', details);
        const long = provider.decrypt({ keyId, ciphertext: secret(6145) });
        await expectError(long, 'INVALID_INPUT', details);
        const moved = provider.reEncrypt({ ciphertext, source, destination: { keyId } });
        await expectError(moved, 'INCORRECT_KEY', { operation: 'reEncrypt' });
      },
    },
    {
      id: 'LEA-003',
      title: 'shows no secret: another encryption context',
      needs: [...SYMMETRIC, 'encryptionContext'],
      async run(context) {
        const { provider } = context;
        const sealed = await seal(context, { encryptionContext: { tenant: 'a' } });
        const { keyId, ciphertext } = sealed;
        const call = provider.decrypt({ keyId, ciphertext });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        const moved = provider.reEncrypt({ ciphertext, source: { keyId }, destination: { keyId } });
        await expectError(moved, 'INVALID_CIPHERTEXT', { operation: 'reEncrypt' });
      },
    },
    {
      id: 'LEA-004',
      title: 'shows no secret: a disabled key',
      needs: [...SYMMETRIC, 'keys.disable'],
      async run(context) {
        const { provider, keys, secret } = context;
        const key = { keyId: await keys.create() };
        const { ciphertext } = await seal(context, key);
        const other = await seal(context);
        await keys.disable(key.keyId);
        const calls = {
          encrypt: provider.encrypt({ ...key, plaintext: secret() }),
          decrypt: provider.decrypt({ ...key, ciphertext }),
          // Here the plaintext is already decrypted when the destination rejects it.
          reEncrypt: provider.reEncrypt({
            ciphertext: other.ciphertext,
            source: { keyId: other.keyId },
            destination: key,
          }),
        };
        const all = Object.entries(calls).map(([operation, call]) =>
          expectError(call, 'KEY_DISABLED', { operation }),
        );
        await Promise.all(all);
      },
    },
    {
      id: 'LEA-005',
      title: 'shows no secret: RSA: too long, damaged, and encrypted with the other hash',
      needs: RSA,
      async run(context) {
        const key = await keyOf(context, 'RSA_2048');
        const long = seal(context, { ...key, plaintext: context.secret(215) });
        await expectError(long, 'INVALID_INPUT', { operation: 'encrypt' });
        const sealed = await seal(context, key);
        const call = open(context.provider, { ...sealed, ciphertext: flip(sealed.ciphertext) });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
      },
    },
    {
      id: 'LEA-006',
      title: 'shows no secret: an aborted call and a closed provider',
      needs: SYMMETRIC,
      async run({ provider, keys, secret, closed }) {
        const keyId = await keys.get();
        const signal = AbortSignal.abort();
        const aborted = provider.encrypt({ keyId, plaintext: secret() }, { signal });
        await expectError(aborted, 'ABORTED', { operation: 'encrypt' });
        const late = (await closed()).encrypt({ keyId, plaintext: secret() });
        await expectError(late, 'CLOSED', { operation: 'encrypt' });
      },
    },
  ]),
];

/** One use of each operation. */
function uniqueOperations() {
  const seen = new Map(allUses.map((use) => [use.operation, use]));
  return [...seen.values()];
}
