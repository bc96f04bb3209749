import type { DataKey, KeyWrapProvider } from '@keywrap/core';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectBytes, expectError } from '../expect.js';
import { SYMMETRIC } from '../needs.js';
import { expectOpens, seal } from '../round-trip.js';
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

/** The needs of every case of a cache. */
export const CACHED = ['cache', ...SYMMETRIC, 'dataKeys', 'encryptionContext'] as const;

export const THREE_USES = { maximumUses: 3, maximumBytes: 1000, maximumAge: 60_000 };
export const ROOMY = { ...THREE_USES, maximumUses: 1000 };

export function generate(
  provider: KeyWrapProvider,
  keyId: string,
  bytesToEncrypt = 1,
  encryptionContext: Record<string, string> = {},
): Promise<DataKey> {
  const input = { keyId, keySpec: 'AES_256', encryptionContext } as const;
  return provider.generateDataKey(input, { bytesToEncrypt });
}

export function expectCalls(received: readonly Uint8Array[], expected: number, when: string): void {
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

export const dataKeyCacheCases = [
  ...casesOf(limits, limitCases, CACHED),
  ...casesOf(wiping, wipingCases, CACHED),
];
