import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check, expectBytes, expectError } from '../expect.js';
import { invoke, type KeyUse } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { allUses, keyFor } from '../operations.js';
import { expectOpens, open, seal } from '../round-trip.js';

const close = {
  id: 'close',
  statement:
    'close waits for the calls in progress, may be called again, and every later call rejects with ProviderClosedError',
  source: CONTRACT,
};

export const closeCases = casesOf(close, [
  ...allUses.flatMap((use): CaseInput[] => [
    {
      id: `CLO-1${use.number}`,
      title: `${use.title}: rejects after close (CLOSED)`,
      needs: use.needs,
      async run(context) {
        const key = await keyFor(use, context.keys);
        const call = use.call({ ...context, provider: await context.closed() }, key);
        await expectError(call, 'CLOSED', { operation: use.operation });
      },
    },
    {
      id: `CLO-2${use.number}`,
      title: `${use.title}: each close waits for it, and rejects the same call from then on (CLOSED)`,
      needs: use.needs,
      // A new provider needs new RSA keys, which are slow to make.
      profile: needsRsa(use) ? 'full' : 'quick',
      async run(context) {
        const { provider, keys } = await context.open();
        const input = await use.input({ ...context, provider, keys }, await keyFor(use, keys));
        const { operation } = use;
        const again = () => invoke(provider, use, input);
        await again();
        let underWay = 3;
        const calls = Array.from({ length: underWay }, () => again().finally(() => underWay--));
        const finished = Promise.all(calls);
        finished.catch(() => 'awaited below');
        const closed = [provider.close(), provider.close()].map(async (closing) => {
          await closing;
          await settling();
          return underWay;
        });
        const late = again();
        const left = Math.max(...(await Promise.all(closed)));
        check(
          left === 0,
          'each close to wait for the calls in progress',
          `${left} of 3 still in progress`,
        );
        await finished;
        await expectError(late, 'CLOSED', { operation });
        await expectError(again(), 'CLOSED', { operation });
      },
    },
  ]),
  {
    id: 'CLO-001',
    title: 'closes once, twice, at the same time and through [Symbol.asyncDispose]',
    needs: [],
    async run({ open }) {
      const { provider } = await open();
      await Promise.all([provider.close(), provider.close()]);
      await provider.close();
      await provider[Symbol.asyncDispose]();
    },
  },
  {
    id: 'CLO-002',
    title: 'closes through [Symbol.asyncDispose]: later calls reject (CLOSED)',
    needs: ['key:SYMMETRIC_DEFAULT'],
    async run({ open }) {
      const { provider, keys } = await open();
      const keyId = await keys.get();
      await provider[Symbol.asyncDispose]();
      await expectError(provider.describeKey({ keyId }), 'CLOSED', { operation: 'describeKey' });
    },
  },
  {
    id: 'CLO-003',
    title: 'lets the calls in progress finish',
    needs: SYMMETRIC,
    async run(context) {
      const { provider, keys } = await context.open();
      const sealed = await seal({ ...context, provider, keys });
      const calls = Array.from({ length: 4 }, () => expectOpens(provider, sealed));
      const closing = provider.close();
      await Promise.all(calls);
      await closing;
    },
  },
  {
    id: 'CLO-006',
    title: 'closes after calls that failed and calls that were aborted, and beside such calls',
    needs: SYMMETRIC,
    async run(context) {
      const { provider, keys } = await context.open();
      const own = { ...context, provider, keys };
      const damaged = { ...(await seal(own)) };
      const { keyId } = damaged;
      const fail = async () => {
        const controller = new AbortController();
        const { signal } = controller;
        const calls = Array.from({ length: 24 }, (_, i) =>
          i % 2 === 0
            ? provider.decrypt({ keyId, ciphertext: flip(damaged.ciphertext) })
            : provider.decrypt({ keyId, ciphertext: damaged.ciphertext }, { signal }),
        );
        controller.abort();
        const codes = ['INVALID_CIPHERTEXT', 'ABORTED'] as const;
        await Promise.all(
          calls.map((call, i) =>
            expectError(call, codes[i % 2] as 'ABORTED', { operation: 'decrypt' }),
          ),
        );
      };
      await fail();
      const last = fail();
      await Promise.all([provider.close(), last]);
    },
  },
  {
    id: 'CLO-005',
    title: 'leaves returned results unchanged',
    needs: SYMMETRIC,
    async run(context) {
      const { provider, keys } = await context.open();
      const sealed = await seal({ ...context, provider, keys });
      const result = await open(provider, sealed);
      await provider.close();
      expectBytes(
        result.plaintext,
        sealed.plaintext,
        'the plaintext in a result from before close',
      );
    },
  },
]);

function needsRsa({ needs }: KeyUse): boolean {
  return needs.includes('asymmetric');
}

/** Waits some turns of the event loop, enough for finished calls to reach their caller. */
async function settling(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await undefined;
}
