import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectBytes, expectError } from '../expect.js';
import { allUses, type KeyUse, keyFor, type UseContext } from '../key-uses.js';
import { watchCall } from '../watch-call.js';

const close = {
  id: 'close',
  statement:
    'close waits for the calls under way, may be called again, and every later call rejects with ProviderClosedError',
  source: CONTRACT,
};

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

export const closeCases = casesOf(close, [
  ...allUses.map(
    (use): CaseInput => ({
      id: `CLO-1${use.number}`,
      title: `${use.title}: refused after close (CLOSED)`,
      needs: use.needs,
      async run(context) {
        const key = await keyFor(use, context.keys);
        const provider = await context.closed();
        const call = use.call({ ...context, provider }, key);
        await expectError(call, 'CLOSED', { operation: use.operation });
      },
    }),
  ),
  ...allUses.map(
    (use): CaseInput => ({
      id: `CLO-2${use.number}`,
      title: `${use.title}: close waits for it, and refuses the same call from then on (CLOSED)`,
      needs: use.needs,
      async run(context) {
        const { provider, keys } = await context.open();
        const again = await repeatable(use, { ...context, provider, keys });
        const { operation } = use;
        let underWay = 3;
        const calls = Array.from({ length: underWay }, () => again().finally(() => underWay--));
        const finished = Promise.all(calls);
        finished.catch(() => 'awaited below');
        const closed = provider.close().then(async () => {
          await settling();
          return underWay;
        });
        const late = again();
        const left = await closed;
        check(left === 0, 'close to wait for the calls under way', `${left} of 3 still under way`);
        await finished;
        await expectError(late, 'CLOSED', { operation });
        await expectError(again(), 'CLOSED', { operation });
      },
    }),
  ),
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
    title: 'closes through [Symbol.asyncDispose]: later calls are refused (CLOSED)',
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
    title: 'lets the calls under way finish',
    needs: symmetric,
    async run({ open, secret }) {
      const { provider, keys } = await open();
      const keyId = await keys.get();
      const plaintext = secret();
      const { ciphertext } = await provider.encrypt({ keyId, plaintext });
      const calls = Array.from({ length: 4 }, () => provider.decrypt({ keyId, ciphertext }));
      const closing = provider.close();
      for (const call of calls) {
        expectBytes((await call).plaintext, plaintext, 'the plaintext of a call under way');
      }
      await closing;
    },
  },
  {
    id: 'CLO-004',
    title: 'refuses calls from the moment on that close was called (CLOSED)',
    needs: symmetric,
    async run({ open, secret }) {
      const { provider, keys } = await open();
      const keyId = await keys.get();
      const closing = provider.close();
      const call = provider.encrypt({ keyId, plaintext: secret() });
      await expectError(call, 'CLOSED', { operation: 'encrypt' });
      await closing;
    },
  },
  {
    id: 'CLO-005',
    title: 'leaves results that were handed out as they are',
    needs: symmetric,
    async run({ open, secret }) {
      const { provider, keys } = await open();
      const keyId = await keys.get();
      const plaintext = secret();
      const { ciphertext } = await provider.encrypt({ keyId, plaintext });
      const result = await provider.decrypt({ keyId, ciphertext });
      await provider.close();
      expectBytes(result.plaintext, plaintext, 'the plaintext in a result from before close');
    },
  },
]);

/** Makes the call once, and gives what makes exactly the same call again, at once. */
async function repeatable(use: KeyUse, context: UseContext): Promise<() => Promise<unknown>> {
  let repeat: (() => Promise<unknown>) | undefined;
  const provider = watchCall(context.provider, use.operation, (call) => {
    repeat = call as typeof repeat;
    return call();
  });
  await use.call({ ...context, provider }, await keyFor(use, context.keys));
  if (repeat === undefined) throw new Error(`${use.title} makes no call`);
  return repeat;
}

/** What is done may take some turns to reach its caller; what waits for anything takes longer than that. */
async function settling(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await undefined;
}
