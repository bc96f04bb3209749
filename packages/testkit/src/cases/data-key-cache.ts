import type { DataKey, KeyWrapProvider } from '@keywrap/core';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check, expectBytes, expectError, sameBytes, wrongKeyCode } from '../expect.js';
import { SYMMETRIC } from '../needs.js';
import { quickestPair } from '../operations.js';
import { expectOpens, seal } from '../round-trip.js';
import { expectAllDifferent } from '../statistics.js';
import { expectRightSharing } from './data-key-cache-sequence.js';

const THRESHOLDS =
  'https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/thresholds.html';

const limits = {
  id: 'data-key-cache-limits',
  statement: 'A cached data key is used within the limits on calls, bytes and milliseconds',
  source: THRESHOLDS,
};

const wiping = {
  id: 'data-key-cache-wiping',
  statement: 'A data-key cache wipes the keys that it drops, and each caller gets its own copy',
  source: CONTRACT,
};

const sharing = {
  id: 'data-key-cache-sharing',
  statement:
    'A data-key cache shares nothing across keys, encryption contexts, lengths, grant tokens or instances, and answers only generateDataKey and decrypt',
  source: CONTRACT,
};

const waiting = {
  id: 'data-key-cache-waiting',
  statement: 'Concurrent calls for the same key make one call, and none fails because of another',
  source: CONTRACT,
};

const needs = ['cache', ...SYMMETRIC, 'dataKeys', 'encryptionContext'] as const;

const THREE_USES = { maximumUses: 3, maximumBytes: 1000, maximumAge: 60_000 };
const ROOMY = { ...THREE_USES, maximumUses: 1000 };

function generate(
  provider: KeyWrapProvider,
  keyId: string,
  bytesToEncrypt = 1,
  encryptionContext: Record<string, string> = {},
): Promise<DataKey> {
  const input = { keyId, keySpec: 'AES_256', encryptionContext } as const;
  return provider.generateDataKey(input, { bytesToEncrypt });
}

function expectCalls(received: readonly Uint8Array[], expected: number, when: string): void {
  check(
    received.length === expected,
    `${expected} calls to the provider ${when}`,
    `${received.length}`,
  );
}

/** A key of all zeros was wiped: a random one is all zeros once in 2^256. */
function expectWiped(secret: Uint8Array | undefined, expected: boolean, when: string): void {
  const isWiped = secret?.every((byte) => byte === 0) ?? false;
  const state = (wiped: boolean) => `the cache's key ${wiped ? 'wiped' : 'kept'} ${when}`;
  check(isWiped === expected, state(expected), state(isWiped));
}

const limitCases: readonly CaseInput[] = [
  {
    id: 'DKC-007',
    title: 'keeps to its limits, and shares nothing else, in random calls while time passes',
    run: expectRightSharing,
  },
  {
    id: 'DKC-001',
    title: 'returns a data key to maximumUses calls, and another to the next',
    async run({ cached, keys }) {
      const { provider, received } = cached(THREE_USES);
      const keyId = await keys.get();
      for (let use = 1; use <= 7; use++) {
        await generate(provider, keyId);
        expectCalls(received, Math.ceil(use / 3), `after ${use} uses`);
      }
    },
  },
  {
    id: 'DKC-002',
    title: 'returns a data key for maximumBytes bytes, and another for one byte more',
    async run({ cached, keys }) {
      const { provider, received } = cached(ROOMY);
      const keyId = await keys.get();
      await generate(provider, keyId, 600);
      await generate(provider, keyId, 399);
      expectCalls(received, 1, 'for 999 bytes');
      await generate(provider, keyId, 2);
      expectCalls(received, 2, 'for 1001 bytes');
    },
  },
  {
    id: 'DKC-003',
    title: 'returns a data key for maximumAge milliseconds, and another after one more',
    async run({ cached, keys }) {
      const { provider, received, passTime } = cached(ROOMY);
      const keyId = await keys.get();
      await generate(provider, keyId);
      passTime(60_000);
      await generate(provider, keyId);
      expectCalls(received, 1, 'at maximumAge');
      passTime(1);
      await generate(provider, keyId);
      expectCalls(received, 2, 'a millisecond later');
    },
  },
  {
    id: 'DKC-004',
    title: 'decrypts a ciphertext once in maximumAge milliseconds, whatever the other limits',
    async run(context) {
      const { provider, received, passTime } = context.cached(THREE_USES);
      const sealed = await seal(context);
      for (let call = 1; call <= 5; call++) await expectOpens(provider, sealed);
      expectCalls(received, 1, 'for five decrypts');
      passTime(60_000);
      await expectOpens(provider, sealed);
      expectCalls(received, 1, 'at maximumAge');
      passTime(1);
      await expectOpens(provider, sealed);
      expectCalls(received, 2, 'a millisecond later');
    },
  },
  {
    id: 'DKC-005',
    title: 'shares no data key when bytesToEncrypt is left out, or more than maximumBytes',
    async run({ cached, keys }) {
      const { provider, received } = cached(ROOMY);
      const keyId = await keys.get();
      await generate(provider, keyId);
      await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
      await generate(provider, keyId, 1001);
      await generate(provider, keyId, 1001);
      expectCalls(received, 4, 'for four calls that can share nothing');
    },
  },
];

const wipingCases: readonly CaseInput[] = [
  {
    id: 'DKC-101',
    title: 'wipes a data key with its last use, and not before',
    async run({ cached, keys }) {
      const { provider, received } = cached(THREE_USES);
      const keyId = await keys.get();
      for (let use = 1; use <= 3; use++) {
        const { plaintext } = await generate(provider, keyId);
        expectWiped(received[0], use === 3, `after use ${use}`);
        expectWiped(plaintext, false, "in the caller's result");
      }
    },
  },
  {
    id: 'DKC-102',
    title: 'wipes a data key that is too old, when it is requested',
    async run({ cached, keys }) {
      const { provider, received, passTime } = cached(ROOMY);
      const keyId = await keys.get();
      await generate(provider, keyId);
      passTime(60_001);
      await generate(provider, keyId);
      expectWiped(received[0], true, 'after maximumAge');
      expectWiped(received[1], false, 'while it is new');
    },
  },
  {
    id: 'DKC-103',
    title: 'wipes everything when it is closed',
    async run({ cached, open }) {
      const another = await open();
      const { provider, received } = cached(ROOMY, another.provider);
      const keyId = await another.keys.get();
      const { ciphertext, plaintext } = await generate(provider, keyId);
      await provider.decrypt({ keyId, ciphertext, encryptionContext: {} });
      await provider.close();
      for (const secret of received) expectWiped(secret, true, 'after close');
      expectWiped(plaintext, false, "in the caller's result");
      await expectError(generate(provider, keyId), 'CLOSED', { operation: 'generateDataKey' });
    },
  },
  {
    id: 'DKC-104',
    title: 'returns a copy to each caller, which the caller may wipe',
    async run({ cached, keys }) {
      const { provider } = cached(ROOMY);
      const keyId = await keys.get();
      const first = await generate(provider, keyId);
      const [plaintext, ciphertext] = [first.plaintext.slice(), first.ciphertext.slice()];
      first[Symbol.dispose]();
      first.ciphertext.fill(0);
      const second = await generate(provider, keyId);
      expectBytes(second.plaintext, plaintext, 'the data key');
      expectBytes(second.ciphertext, ciphertext, 'its ciphertext');
    },
  },
  {
    id: 'DKC-105',
    title: 'wipes a decrypted key that is too old, when it is requested',
    async run(context) {
      const { provider, received, passTime } = context.cached(ROOMY);
      const sealed = await seal(context);
      await expectOpens(provider, sealed);
      expectWiped(received[0], false, 'while it is new');
      passTime(60_001);
      await expectOpens(provider, sealed);
      expectWiped(received[0], true, 'after maximumAge');
    },
  },
  {
    id: 'DKC-106',
    title: 'returns a copy of a decrypted key to each caller, which the caller may wipe',
    async run(context) {
      const { provider } = context.cached(ROOMY);
      const sealed = await seal(context);
      for (let call = 1; call <= 3; call++) {
        (await expectOpens(provider, sealed))[Symbol.dispose]();
      }
    },
  },
];

const sharingCases: readonly CaseInput[] = [
  ...(
    [
      ['201', 'another encryption context', { a: 'bc' }, { ab: 'c' }],
      ['202', 'an encryption context, for one without', {}, { a: 'bc' }],
      ['203', 'a context that holds another', { a: 'bc', d: 'e' }, { a: 'bc' }],
    ] as const
  ).map(
    ([number, what, one, other]): CaseInput => ({
      id: `DKC-${number}`,
      title: `does not return the data key of ${what}`,
      async run({ cached, keys }) {
        const { provider } = cached(ROOMY);
        const keyId = await keys.get();
        const first = await generate(provider, keyId, 1, one);
        const second = await generate(provider, keyId, 1, other);
        check(!sameBytes(first.plaintext, second.plaintext), 'two data keys', 'the same twice');
        const { plaintext, ciphertext } = second;
        await expectOpens(provider, { keyId, plaintext, ciphertext, encryptionContext: other });
      },
    }),
  ),
  {
    id: 'DKC-204',
    title: 'does not return the data key of another key or length',
    async run({ cached, keys }) {
      const { provider } = cached(ROOMY);
      const [one, other] = [await keys.get(), await keys.create()];
      const first = await generate(provider, one);
      const second = await generate(provider, other);
      check(second.keyId === other, 'a data key under the other key', 'one under the first');
      check(!sameBytes(first.plaintext, second.plaintext), 'two data keys', 'the same twice');
      const options = { bytesToEncrypt: 1 };
      const short = await provider.generateDataKey({ keyId: one, keySpec: 'AES_128' }, options);
      check(short.plaintext.length === 16, '16 bytes', `${short.plaintext.length} bytes`);
    },
  },
  {
    id: 'DKC-205',
    title: 'does not decrypt a cached ciphertext under another context or key',
    async run({ cached, keys }) {
      const { provider } = cached(ROOMY);
      const [keyId, other] = [await keys.get(), await keys.create()];
      const { ciphertext } = await generate(provider, keyId, 1, { a: 'bc' });
      const right = { keyId, ciphertext, encryptionContext: { a: 'bc' } };
      const details = { operation: 'decrypt' };
      await provider.decrypt(right);
      const wrongContext = provider.decrypt({ ...right, encryptionContext: { ab: 'c' } });
      await expectError(wrongContext, 'INVALID_CIPHERTEXT', details);
      await expectError(
        provider.decrypt({ ...right, keyId: other }),
        wrongKeyCode(provider),
        details,
      );
      const wrongCiphertext = provider.decrypt({ ...right, ciphertext: flip(ciphertext) });
      await expectError(wrongCiphertext, 'INVALID_CIPHERTEXT', details);
    },
  },
  {
    id: 'DKC-206',
    title: 'shares nothing between calls with grant tokens, with others, and without',
    async run({ cached, keys }) {
      const keyId = await keys.get();
      const { provider, received } = cached(ROOMY);
      const made: Uint8Array[] = [];
      for (const grantTokens of [['a'], undefined, ['b'], ['a', 'b'], ['ab'], ['a,b']]) {
        const input = { keyId, keySpec: 'AES_256' } as const;
        const options = { bytesToEncrypt: 1, ...(grantTokens && { grantTokens }) };
        const calls = received.length;
        // A backend may know that these tokens are of no grant.
        const dataKey = await provider.generateDataKey(input, options).catch((error) => {
          if (grantTokens === undefined || error?.code !== 'ACCESS_DENIED') throw error;
        });
        if (dataKey === undefined) continue;
        expectCalls(
          received,
          calls + 1,
          `for the grant tokens ${grantTokens?.join(' ') ?? 'none'}`,
        );
        made.push(dataKey.plaintext);
      }
      expectAllDifferent(made, 'data keys');
      const { ciphertext } = await generate(provider, keyId);
      const decrypt = (grantTokens: readonly string[]) =>
        provider.decrypt({ keyId, ciphertext }, { grantTokens }).catch(() => undefined);
      await decrypt(['a']);
      const calls = received.length;
      await provider.decrypt({ keyId, ciphertext });
      expectCalls(received, calls + 1, 'for a decrypt without grant tokens, after one with them');
    },
  },
  {
    id: 'DKC-207',
    title: 'passes on every call whose result must be new each time',
    async run(context) {
      const { provider } = context.cached(ROOMY);
      const { capabilities } = context.provider;
      const keyId = await context.keys.get();
      const plaintext = context.secret();
      const options = { bytesToEncrypt: 1 };
      const input = { keyId, keySpec: 'AES_256' } as const;
      const made: Uint8Array[] = [(await generate(provider, keyId)).ciphertext];
      for (let call = 1; call <= 3; call++) {
        made.push((await provider.encrypt({ keyId, plaintext }, options)).ciphertext);
        made.push((await provider.generateDataKeyWithoutPlaintext(input, options)).ciphertext);
        if (capabilities.dataKeyPairSpecs.length === 0) continue;
        const pair = { keyId, keyPairSpec: quickestPair(context.provider) };
        made.push((await provider.generateDataKeyPair(pair, options)).privateKeyCiphertext);
        const { privateKeyCiphertext } = await provider.generateDataKeyPairWithoutPlaintext(
          pair,
          options,
        );
        made.push(privateKeyCiphertext);
      }
      expectAllDifferent(made, 'ciphertexts');
    },
  },
  {
    id: 'DKC-208',
    title: 'shares nothing with another cache over the same provider',
    async run({ cached, keys }) {
      const keyId = await keys.get();
      const [one, other] = [cached(ROOMY), cached(ROOMY)];
      const first = await generate(one.provider, keyId);
      const second = await generate(other.provider, keyId);
      check(!sameBytes(first.plaintext, second.plaintext), 'two data keys', 'the same twice');
      const { ciphertext, plaintext } = first;
      await expectOpens(one.provider, { keyId, ciphertext, plaintext });
      const calls = other.received.length;
      await expectOpens(other.provider, { keyId, ciphertext, plaintext });
      expectCalls(other.received, calls + 1, 'for what only the other cache has opened');
    },
  },
];

const waitingCases: readonly CaseInput[] = [
  {
    id: 'DKC-301',
    title: 'makes one call for concurrent requests of the same data key, within the limits',
    async run({ cached, keys }) {
      const { provider, received } = cached(THREE_USES);
      const keyId = await keys.get();
      const dataKeys = await Promise.all([1, 2, 3, 4].map(() => generate(provider, keyId)));
      expectCalls(received, 2, 'for four calls at once, three of which may share');
      const different = new Set(dataKeys.map(({ plaintext }) => plaintext.join()));
      check(different.size === 2, 'two data keys', `${different.size}`);
    },
  },
  {
    id: 'DKC-302',
    title: 'aborts one of the calls that wait, and not the others',
    async run({ cached, keys }) {
      const { provider, received } = cached(ROOMY);
      const keyId = await keys.get();
      const controller = new AbortController();
      const options = { bytesToEncrypt: 1, signal: controller.signal };
      const aborted = provider.generateDataKey({ keyId, keySpec: 'AES_256' }, options);
      const patient = generate(provider, keyId);
      controller.abort();
      await expectError(aborted, 'ABORTED', { operation: 'generateDataKey' });
      check((await patient).plaintext.length === 32, 'a data key for the other', 'none');
      expectCalls(received, 1, 'for two calls at once');
    },
  },
  {
    id: 'DKC-303',
    title: 'does not cache an error',
    async run(context) {
      const { provider } = context.cached(ROOMY);
      const sealed = await seal(context, { encryptionContext: { a: 'bc' } });
      const { keyId, ciphertext } = sealed;
      const wrong = () => provider.decrypt({ keyId, ciphertext });
      await expectError(wrong(), 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
      await expectOpens(provider, sealed);
      await expectError(wrong(), 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
    },
  },
];

export const dataKeyCacheCases = [
  ...casesOf(limits, limitCases, needs),
  ...casesOf(wiping, wipingCases, needs),
  ...casesOf(sharing, sharingCases, needs),
  ...casesOf(waiting, waitingCases, needs),
];
