import type { KeyWrapError } from '@keywrap/core';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check, errorOf, expectBytes, expectError, expectKeyArn } from '../expect.js';
import type { SealedKey } from '../key-ring.js';
import { arnIn, invoke, type KeyUse } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { allUses, keyFor, openingUses, sealBy, sealingUses, usesFor } from '../operations.js';
import { expectOpens, open, seal } from '../round-trip.js';
import { manyOf } from '../statistics.js';

export const concurrency = {
  id: 'concurrency-at-scale',
  statement:
    'Hundreds of calls in flight do not mix, and no call is answered by another: not by an equal one, one with a wrong context or key, one that was aborted, or one of another instance',
  source: CONTRACT,
  power:
    'Calls that are shared by a part of their input are found always, if one is answered before the next begins or both are in flight; a race that 1 in 400 calls loses, with 63 %. A connection that is used again with the response to an aborted call in it is found always if calls end in the order in which they began, whatever the number of connections.',
};

const MANY = 400;

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** A ciphertext that a call opens, and inputs that look like its own and must fail. */
async function wrongInputs(use: KeyUse, context: CaseContext) {
  const { provider, keys } = context;
  const isRsa = use.kind === 'RSA_2048';
  const hasContext = provider.capabilities.encryptionContext && !isRsa;
  const [keyId, otherId] = [await keys.get(use.kind), await keys.get(use.kind, 1)];
  const key = { keyId, ...(isRsa && { algorithm: keys.rsaAlgorithm }) };
  const bound = hasContext ? { encryptionContext: { tenant: 'a' } } : {};
  const sealed = await seal(context, { ...key, ...bound });
  const right = await use.input(context, sealed);
  const wrong = [
    await use.input(context, { ...sealed, ciphertext: flip(sealed.ciphertext) }),
    ...(hasContext
      ? [await use.input(context, { ...sealed, encryptionContext: { tenant: 'b' } })]
      : []),
    ...(use.keyIdField === undefined
      ? []
      : [await use.input(context, { ...sealed, keyId: otherId })]),
  ];
  return { sealed, right, wrong };
}

export const atOnceCases = casesOf(concurrency, [
  {
    id: 'ATO-101',
    title: `${MANY} calls of encrypt in flight, then as many of decrypt, each with its own plaintext and context`,
    needs: SYMMETRIC,
    profile: 'full',
    async run(context) {
      const { provider, keys, secret } = context;
      const ids = [await keys.get(), await keys.get('SYMMETRIC_DEFAULT', 1)];
      const hasContext = provider.capabilities.encryptionContext;
      const sealed = await Promise.all(
        times(MANY, (i) =>
          seal(context, {
            keyId: ids[i % 2] as string,
            // Of one length, so that nothing but its bytes tells them apart.
            plaintext: secret(64),
            ...(hasContext && { encryptionContext: { call: `${i >> 2}` } }),
          }),
        ),
      );
      await Promise.all(
        sealed.map(async (each) => {
          const { keyId } = await expectOpens(provider, each, 'the plaintext of this call');
          expectKeyArn(keyId, each.keyId);
        }),
      );
    },
  },
  {
    id: 'ATO-102',
    title: `${MANY} calls of generateDataKey in flight, of different keys and lengths`,
    needs: [...SYMMETRIC, 'dataKeys'],
    profile: 'full',
    async run({ provider, keys }) {
      const ids = [await keys.get(), await keys.get('SYMMETRIC_DEFAULT', 1)];
      const calls = times(MANY, async (i) => {
        const [keyId, numberOfBytes] = [ids[i % 2] as string, 1 + ((i >> 1) % 100)];
        const made = await provider.generateDataKey({ keyId, numberOfBytes });
        expectKeyArn(made.keyId, keyId);
        check(
          made.plaintext.length === numberOfBytes,
          `${numberOfBytes} bytes`,
          `${made.plaintext.length} bytes`,
        );
        const { plaintext, ciphertext } = made;
        await expectOpens(provider, { keyId, plaintext, ciphertext }, 'the data key');
      });
      await Promise.all(calls);
    },
  },
  {
    id: 'ATO-103',
    title: 'calls of every kind in flight, in random order, each about its own key',
    needs: SYMMETRIC,
    profile: 'full',
    async run(context) {
      const { provider, keys, seed } = context;
      const uses: { readonly use: KeyUse; readonly key: SealedKey }[] = [];
      for (const use of await usesFor(context)) {
        const isSlow = use.operation.includes('Pair') || use.kind === 'RSA_2048';
        const both = [await keyFor(use, keys), await keyFor(use, keys, 1)] as const;
        for (let i = 0; i < (isSlow ? 4 : 24); i++)
          uses.push({ use, key: both[i & 1] as SealedKey });
      }
      const inputs = await Promise.all(uses.map(({ use, key }) => use.input(context, key)));
      const order = [...uses.keys()].sort(
        (a, b) => ((a * 7919 + seed) % 1009) - ((b * 7919 + seed) % 1009),
      );
      await Promise.all(
        order.map(async (index) => {
          const { use, key } = uses[index] as (typeof uses)[number];
          expectKeyArn(arnIn(await invoke(provider, use, inputs[index]), use), key.keyId);
        }),
      );
    },
  },
  ...openingUses.map(
    (use): CaseInput => ({
      id: `ATO-2${use.number}`,
      title: `${use.title}: right calls in flight with as many that have a wrong context, key or ciphertext`,
      needs: use.needs,
      profile: 'full',
      async run(context) {
        const { provider } = context;
        const { sealed, right, wrong } = await wrongInputs(use, context);
        const isRight = (i: number) => i % 2 === 0;
        const call = (i: number) =>
          invoke(provider, use, isRight(i) ? right : wrong[(i >> 1) % wrong.length]);
        const expectOutcome = async (made: Promise<unknown>, i: number) => {
          if (!isRight(i)) {
            const codes = ['INVALID_CIPHERTEXT', 'INCORRECT_KEY'] as const;
            await expectError(made, codes, { operation: use.operation });
            return;
          }
          const { plaintext } = (await made) as { plaintext?: Uint8Array };
          if (use.returns.includes('plaintext'))
            expectBytes(plaintext, sealed.plaintext, 'the plaintext');
        };
        await Promise.all(
          times(use.kind === 'RSA_2048' ? 12 : 48, (i) => expectOutcome(call(i), i)),
        );
        // And one after the other, for what keeps an answer.
        for (let i = 0; i < 2 * wrong.length + 2; i++) await expectOutcome(call(i), i);
      },
    }),
  ),
  ...openingUses
    .filter(({ returns }) => returns.includes('plaintext'))
    .map(
      (use): CaseInput => ({
        id: `ATO-3${use.number}`,
        title: `${use.title}: equal calls at once have their own plaintexts: disposing of one wipes no other`,
        needs: use.needs,
        async run(context) {
          const { provider } = context;
          const { sealed, right } = await wrongInputs(use, context);
          const results = await Promise.all(times(16, () => invoke(provider, use, right)));
          for (const [i, result] of results.entries()) {
            if (i % 2 === 0) result[Symbol.dispose]();
          }
          for (const [i, result] of results.entries()) {
            if (i % 2 === 1)
              expectBytes(result.plaintext, sealed.plaintext, 'the plaintext of this call');
          }
        },
      }),
    ),
  ...allUses.map(
    (use): CaseInput => ({
      id: `ATO-4${use.number}`,
      title: `${use.title}: of equal calls at once, only those that are aborted fail`,
      needs: use.needs,
      async run(context) {
        const { provider, keys } = context;
        const input = await use.input(context, await keyFor(use, keys));
        const controllers = times(8, () => new AbortController());
        const calls = controllers.map(({ signal }) => invoke(provider, use, input, { signal }));
        // The first call may be the one that others wait for.
        for (const i of [0, 2, 5]) controllers[i]?.abort();
        const errors = await Promise.all(
          calls.map((call) => errorOf(call) as Promise<KeyWrapError | undefined>),
        );
        for (const [i, error] of errors.entries()) {
          const isAborted = controllers[i]?.signal.aborted === true;
          const code = error?.code ?? 'success';
          check(
            code === (isAborted ? 'ABORTED' : 'success'),
            `${isAborted ? 'AbortError (ABORTED)' : 'success'} of call ${i + 1}`,
            code,
          );
        }
      },
    }),
  ),
  ...sealingUses.map(
    (use): CaseInput => ({
      id: `ATO-90${use.number}`,
      title: `${use.title}: 8 calls in flight, each bound to its own encryption context`,
      needs: [...use.needs, 'encryptionContext'],
      async run(context) {
        const keyId = await context.keys.get();
        const calls = times(8, async (i) => {
          const bound = { keyId, encryptionContext: { call: `${i}` } };
          const ciphertext = await sealBy(use, context, bound);
          await open(context.provider, { ...bound, ciphertext });
        });
        await Promise.all(calls);
      },
    }),
  ),
  {
    id: 'ATO-501',
    title: 'two instances with keys of their own do not mix',
    needs: SYMMETRIC,
    profile: 'full',
    async run(context) {
      const other = await context.open();
      const both = [context, { ...context, ...other }];
      const ids = await Promise.all(both.map(({ keys }) => keys.get()));
      const calls = times(64, async (i) => {
        const each = both[i % 2] as CaseContext;
        const sealed = await seal(each, { keyId: ids[i % 2] as string });
        await expectOpens(each.provider, sealed, 'the plaintext of this instance');
      });
      await Promise.all(calls);
    },
  },
  {
    id: 'ATO-502',
    title: 'two instances over the same keys open what either made',
    needs: [...SYMMETRIC, 'reopen'],
    async run(context) {
      const { provider } = context;
      const other = await context.reopen();
      const keyId = await context.keys.get();
      const calls = times(32, async (i) => {
        const [one, two] = i % 2 === 0 ? [provider, other] : [other, provider];
        const sealed = await seal({ ...context, provider: one }, { keyId });
        await expectOpens(two, sealed, 'the plaintext of the other instance');
      });
      await Promise.all(calls);
      await other.close();
      await open(provider, await seal(context, { keyId }));
    },
  },
  {
    id: 'ATO-601',
    title:
      'encrypts while the key rotates: each ciphertext decrypts, and those that follow have the new key version',
    needs: [...SYMMETRIC, 'keys.rotate'],
    profile: 'full',
    async run(context) {
      const { provider, keys } = context;
      const keyId = await keys.create();
      const made = [await seal(context, { keyId })];
      for (let rotations = 0; rotations < 4; rotations++) {
        const before = times(16, () => seal(context, { keyId }));
        const rotated = keys.rotate(keyId);
        const during = times(32, async (i) => {
          // Spread over the rotation, whose length is not known.
          for (let turns = 0; turns < i; turns++) await undefined;
          const known = made[i % made.length] as (typeof made)[number];
          await expectOpens(provider, known, 'an older plaintext, during a rotation');
          return seal(context, { keyId });
        });
        const [, ...more] = await Promise.all([rotated, ...before, ...during]);
        made.push(...more);
      }
      await Promise.all(
        made.map((each) => expectOpens(provider, each, 'a plaintext from a rotation')),
      );
    },
  },
  {
    id: 'ATO-602',
    title:
      'opens the ciphertexts of every key version: of 10 (soak: 200, or as many as the backend makes)',
    needs: [...SYMMETRIC, 'keys.rotate'],
    profile: 'full',
    async run(context) {
      const { provider, keys, profile } = context;
      const keyId = await keys.create();
      const made = [await seal(context, { keyId })];
      const isPossible = () =>
        keys.rotate(keyId).then(
          () => true,
          () => made.length < 4,
        );
      // AWS KMS rotates a key on demand at most ten times.
      while (made.length < (profile === 'soak' ? 200 : 10) && (await isPossible())) {
        made.push(await seal(context, { keyId }));
      }
      for (const each of made) await expectOpens(provider, each, 'the plaintext of a key version');
    },
  },
  {
    id: 'ATO-701',
    title: 'uses 60 keys (soak: 300) in turn, each under its own id',
    needs: SYMMETRIC,
    profile: 'full',
    async run(context) {
      const { provider, keys, profile } = context;
      const count = profile === 'soak' ? 300 : 60;
      const ids = await manyOf(count, () => keys.create());
      const made = await manyOf(count, (i) => seal(context, { keyId: ids[i] as string }));
      await manyOf(2 * count, async (i) => {
        const each = made[i % count] as (typeof made)[number];
        const { keyId } = await expectOpens(provider, each, 'the plaintext under this key');
        expectKeyArn(keyId, each.keyId);
      });
    },
  },
]);
