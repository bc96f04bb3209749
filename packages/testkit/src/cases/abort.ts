import type { KeyWrapProvider } from '@keywrap/core';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, describeError, expectBytes, expectError, expectKeyArn } from '../expect.js';
import { allUses, type KeyUse, keyFor } from '../key-uses.js';
import { watchCall } from '../watch-call.js';

const abort = {
  id: 'abort',
  statement: 'An aborted signal rejects the call with AbortError, before work where possible',
  source: CONTRACT,
};

/** The same provider, but the signal is aborted as soon as a call has returned its promise. */
function abortingDuring(
  provider: KeyWrapProvider,
  operation: KeyUse['operation'],
  controller: AbortController,
  reason = new Error('no longer needed'),
): KeyWrapProvider {
  return watchCall(provider, operation, (call) => {
    const result = call();
    controller.abort(reason);
    return result;
  });
}

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

export const abortCases = casesOf(abort, [
  ...allUses.flatMap((use): CaseInput[] => [
    {
      id: `ABO-1${use.number}`,
      title: `${use.title}: rejects when the signal is aborted already (ABORTED)`,
      needs: use.needs,
      async run(context) {
        const key = await keyFor(use, context.keys);
        const call = use.call(context, key, { signal: AbortSignal.abort() });
        await expectError(call, 'ABORTED', { operation: use.operation });
      },
    },
    {
      id: `ABO-2${use.number}`,
      title: `${use.title}: rejects when the signal is aborted while it is under way (ABORTED)`,
      needs: use.needs,
      async run(context) {
        const key = await keyFor(use, context.keys);
        const controller = new AbortController();
        const provider = abortingDuring(context.provider, use.operation, controller);
        const call = use.call({ ...context, provider }, key, { signal: controller.signal });
        await expectError(call, 'ABORTED', { operation: use.operation });
      },
    },
    {
      id: `ABO-3${use.number}`,
      title: `${use.title}: gives the signal's reason as the cause, before and during the call`,
      needs: use.needs,
      async run(context) {
        const key = await keyFor(use, context.keys);
        const reason = new Error('the request was cancelled');
        const expectReason = async (call: Promise<unknown>) => {
          const { cause } = await expectError(call, 'ABORTED', { operation: use.operation });
          check(cause === reason, "the signal's reason as the cause", describeError(cause));
        };
        await expectReason(use.call(context, key, { signal: AbortSignal.abort(reason) }));
        const controller = new AbortController();
        const provider = abortingDuring(context.provider, use.operation, controller, reason);
        await expectReason(use.call({ ...context, provider }, key, { signal: controller.signal }));
      },
    },
    {
      id: `ABO-4${use.number}`,
      title: `${use.title}: minds only the signal it was called with, and only when that is aborted`,
      needs: use.needs,
      async run(context) {
        const key = await keyFor(use, context.keys);
        const options = { signal: new AbortController().signal };
        const provider = watchCall(context.provider, use.operation, (call) => {
          const result = call();
          options.signal = AbortSignal.abort();
          return result;
        });
        expectKeyArn(await use.call({ ...context, provider }, key, options), key.keyId);
      },
    },
  ]),
  {
    id: 'ABO-001',
    title: "gives the signal's reason as the cause",
    needs: symmetric,
    async run({ provider, keys, secret }) {
      const reason = new Error('the request was cancelled');
      const signal = AbortSignal.abort(reason);
      const call = provider.encrypt({ keyId: await keys.get(), plaintext: secret() }, { signal });
      const error = await expectError(call, 'ABORTED', { operation: 'encrypt' });
      check(error.cause === reason, "the signal's reason as the cause", String(error.cause));
    },
  },
  {
    id: 'ABO-002',
    title: 'does the work when the signal is not aborted, and minds no abort after that',
    needs: symmetric,
    async run({ provider, keys, secret }) {
      const keyId = await keys.get();
      const { signal, abort } = controlled();
      const plaintext = secret();
      const { ciphertext } = await provider.encrypt({ keyId, plaintext }, { signal });
      const result = await provider.decrypt({ keyId, ciphertext }, { signal });
      abort();
      expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
      await provider.decrypt({ keyId, ciphertext });
    },
  },
  {
    id: 'ABO-003',
    title: 'aborts only the call that the signal belongs to',
    needs: symmetric,
    async run({ provider, keys, secret }) {
      const keyId = await keys.get();
      const { signal, abort } = controlled();
      const [one, two] = [secret(), secret()];
      const stopped = provider.encrypt({ keyId, plaintext: one }, { signal });
      const other = provider.encrypt({ keyId, plaintext: two });
      abort();
      await expectError(stopped, 'ABORTED', { operation: 'encrypt' });
      const { ciphertext } = await other;
      const result = await provider.decrypt({ keyId, ciphertext });
      expectBytes(result.plaintext, two, 'the plaintext of the other call');
    },
  },
]);

function controlled() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
