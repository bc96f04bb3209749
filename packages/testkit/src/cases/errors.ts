import { formatKeyArn, parseKeyId } from '@keywrap/core';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectError } from '../expect.js';
import { allUses, keyFor, keyUses, openingUses } from '../key-uses.js';

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

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

export const errorCases = [
  ...casesOf(shape, [
    ...allUses
      .filter(({ keyIdField }) => keyIdField !== undefined)
      .map(
        (use): CaseInput => ({
          id: `ERR-1${use.number}`,
          title: `${use.title}: an error says code, operation, keyId and that retrying is of no use`,
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
        title: `${use.title}: a ciphertext that does not open: the error names the key that the call named`,
        needs: use.needs,
        async run(context) {
          const key = await keyFor(use, context.keys);
          const call = use.call(context, { ...key, ciphertext: damaged(key.ciphertext) });
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
        title: `${operation}: rejects, and never throws, whatever it is called with`,
        needs,
        async run({ provider }) {
          const call = provider[operation as 'encrypt'].bind(provider) as (
            ...input: unknown[]
          ) => Promise<unknown>;
          for (const input of [[], [null], [0], ['text'], [{}], [{ keyId: 0 }, 0], [[], []]]) {
            // Without a field that says otherwise it may be something that is not supported.
            const codes = ['INVALID_INPUT', 'UNSUPPORTED'] as const;
            await expectError(call(...input), codes, { operation });
          }
        },
      }),
    ),
  ]),
  ...casesOf(silent, [
    {
      id: 'LEA-001',
      title: 'shows no secret: a plaintext that is refused',
      needs: symmetric,
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
        title: `${use.title}: shows no secret when the ciphertext does not open`,
        needs: use.needs,
        async run(context) {
          const key = await keyFor(use, context.keys);
          const call = use.call(context, { ...key, ciphertext: damaged(key.ciphertext) });
          await expectError(call, 'INVALID_CIPHERTEXT', { operation: use.operation });
        },
      }),
    ),
    {
      id: 'LEA-002',
      title: 'shows no secret: a ciphertext that does not open',
      needs: symmetric,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const details = { operation: 'decrypt' };
        const { ciphertext } = await provider.encrypt({ keyId, plaintext: secret() });
        for (const index of [0, ciphertext.length >> 1, ciphertext.length - 1]) {
          const other = ciphertext.slice();
          other[index] = (other[index] as number) ^ 1;
          const call = provider.decrypt({ keyId, ciphertext: other });
          await expectError(call, 'INVALID_CIPHERTEXT', details);
        }
        const other = await keys.get('SYMMETRIC_DEFAULT', 1);
        const wrongKey = provider.decrypt({ keyId: other, ciphertext });
        await expectError(wrongKey, 'INCORRECT_KEY', details);
        const long = provider.decrypt({ keyId, ciphertext: secret(6145) });
        await expectError(long, 'INVALID_INPUT', details);
        const moved = provider.reEncrypt({
          ciphertext,
          source: { keyId: other },
          destination: { keyId },
        });
        await expectError(moved, 'INCORRECT_KEY', { operation: 'reEncrypt' });
      },
    },
    {
      id: 'LEA-003',
      title: 'shows no secret: another encryption context',
      needs: [...symmetric, 'encryptionContext'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const encryptionContext = { tenant: 'a' };
        const sealed = await provider.encrypt({ keyId, plaintext: secret(), encryptionContext });
        const { ciphertext } = sealed;
        const call = provider.decrypt({ keyId, ciphertext });
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        const moved = provider.reEncrypt({ ciphertext, source: { keyId }, destination: { keyId } });
        await expectError(moved, 'INVALID_CIPHERTEXT', { operation: 'reEncrypt' });
      },
    },
    {
      id: 'LEA-004',
      title: 'shows no secret: a disabled key',
      needs: [...symmetric, 'keys.disable'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.create();
        const destination = { keyId };
        const { ciphertext } = await provider.encrypt({ keyId, plaintext: secret() });
        const { keyId: other } = await keys.sealed('SYMMETRIC_DEFAULT');
        const good = await provider.encrypt({ keyId: other, plaintext: secret() });
        await keys.disable(keyId);
        const calls = {
          encrypt: provider.encrypt({ keyId, plaintext: secret() }),
          decrypt: provider.decrypt({ keyId, ciphertext }),
          // Here the plaintext is already open when the destination refuses.
          reEncrypt: provider.reEncrypt({
            ciphertext: good.ciphertext,
            source: { keyId: other },
            destination,
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
      title: 'shows no secret: RSA: too long, damaged, and sealed with the other hash',
      needs: ['asymmetric', 'key:RSA_2048'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.get('RSA_2048');
        const algorithm = keys.rsaAlgorithm;
        const long = provider.encrypt({ keyId, plaintext: secret(215), algorithm });
        await expectError(long, 'INVALID_INPUT', { operation: 'encrypt' });
        const { ciphertext } = await provider.encrypt({ keyId, plaintext: secret(), algorithm });
        const input = { keyId, ciphertext: damaged(ciphertext), algorithm };
        const call = provider.decryptAsymmetric(input);
        await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
      },
    },
    {
      id: 'LEA-006',
      title: 'shows no secret: an aborted call and a closed provider',
      needs: symmetric,
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

/** The ciphertext with one bit in its last byte flipped. */
function damaged(ciphertext: Uint8Array): Uint8Array {
  const other = ciphertext.slice();
  other[other.length - 1] = (other.at(-1) as number) ^ 1;
  return other;
}

/** One use of each operation, whose other needs matter too. */
function uniqueOperations() {
  const seen = new Map(allUses.map((use) => [use.operation, use]));
  return [...seen.values()];
}
