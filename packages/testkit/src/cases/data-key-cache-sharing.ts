import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check, expectError, sameBytes, wrongKeyCode } from '../expect.js';
import { quickestPair } from '../operations.js';
import { expectOpens, seal } from '../round-trip.js';
import { expectAllDifferent, manyOf } from '../statistics.js';
import { FAMILIES } from './context-families.js';
import { CACHED, expectCalls, generate, ROOMY, THREE_USES } from './data-key-cache.js';
import { FORGED } from './forged-contexts.js';

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
    id: 'DKC-209',
    title: 'does not return the data key of a context that only looks alike',
    profile: 'full',
    async run({ cached, keys }) {
      const keyId = await keys.get();
      const families = [
        ...FAMILIES.map(([, family]) => family),
        ...FORGED.flatMap(([one, others]) => others.map((other) => [one, other])),
      ];
      const { provider } = cached(ROOMY);
      await manyOf(families.length, async (i) => {
        const made: Uint8Array[] = [];
        for (const context of families[i] ?? []) {
          made.push((await generate(provider, keyId, 1, context)).plaintext);
        }
        expectAllDifferent(made, 'data keys');
      });
    },
  },
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

export const dataKeyCacheSharingCases = [
  ...casesOf(sharing, sharingCases, CACHED),
  ...casesOf(waiting, waitingCases, CACHED),
];
