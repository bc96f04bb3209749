import type { KeyWrapError } from '@keywrap/core';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, describeError, expectError, expectKeyArn } from '../expect.js';
import { arnIn, invoke, type KeyUse } from '../key-use.js';
import { OWN_RUNTIME, SYMMETRIC } from '../needs.js';
import { allUses, keyFor } from '../operations.js';
import { expectOpens, seal } from '../round-trip.js';

const abort = {
  id: 'abort',
  statement: 'An aborted signal rejects the call with AbortError, before work where possible',
  source: CONTRACT,
};

/** Makes a call whose signal is aborted before it, or when it has returned its promise. */
async function abortedCall(
  use: KeyUse,
  context: CaseContext,
  when: 'before' | 'during',
  reason?: Error,
): Promise<KeyWrapError> {
  const input = await use.input(context, await keyFor(use, context.keys));
  const controller = new AbortController();
  if (when === 'before') controller.abort(reason);
  const call = invoke(context.provider, use, input, { signal: controller.signal });
  controller.abort(reason);
  return expectError(call, 'ABORTED', { operation: use.operation });
}

function timeoutError(): Error {
  return new DOMException('The operation was aborted due to timeout', 'TimeoutError');
}

export const abortCases = casesOf(abort, [
  ...allUses.flatMap((use): CaseInput[] => [
    {
      id: `ABO-1${use.number}`,
      title: `${use.title}: rejects when the signal is aborted already (ABORTED)`,
      needs: [...use.needs, OWN_RUNTIME],
      async run(context) {
        await abortedCall(use, context, 'before');
      },
    },
    {
      id: `ABO-2${use.number}`,
      title: `${use.title}: rejects when the signal is aborted during the call (ABORTED)`,
      needs: [...use.needs, OWN_RUNTIME],
      async run(context) {
        await abortedCall(use, context, 'during');
      },
    },
    {
      id: `ABO-3${use.number}`,
      title: `${use.title}: has the signal's reason as the cause, before and during the call`,
      needs: use.needs,
      async run(context) {
        // AbortSignal.timeout aborts with a TimeoutError, which is no outage of the backend.
        const reasons = [new Error('the request was cancelled'), timeoutError()];
        for (const reason of reasons) {
          for (const when of ['before', 'during'] as const) {
            const { cause } = await abortedCall(use, context, when, reason);
            check(cause === reason, "the signal's reason as the cause", describeError(cause));
          }
        }
      },
    },
    {
      id: `ABO-4${use.number}`,
      title: `${use.title}: reacts only to its own signal, and only when that is aborted`,
      needs: use.needs,
      async run(context) {
        const key = await keyFor(use, context.keys);
        const input = await use.input(context, key);
        const options = { signal: new AbortController().signal };
        const call = invoke(context.provider, use, input, options);
        options.signal = AbortSignal.abort();
        expectKeyArn(arnIn(await call, use), key.keyId);
      },
    },
  ]),
  {
    id: 'ABO-002',
    title: 'does the work when the signal is not aborted, and ignores a later abort',
    needs: SYMMETRIC,
    async run(context) {
      const { provider, keys, secret } = context;
      const controller = new AbortController();
      const { signal } = controller;
      const key = { keyId: await keys.get() };
      const plaintext = secret();
      const { ciphertext } = await provider.encrypt({ ...key, plaintext }, { signal });
      await provider.decrypt({ ...key, ciphertext }, { signal });
      controller.abort();
      await expectOpens(provider, { ...key, plaintext, ciphertext });
    },
  },
  {
    id: 'ABO-003',
    title: 'aborts only the call that the signal belongs to',
    needs: SYMMETRIC,
    async run(context) {
      const { provider, keys, secret } = context;
      const keyId = await keys.get();
      const controller = new AbortController();
      const { signal } = controller;
      const stopped = provider.encrypt({ keyId, plaintext: secret() }, { signal });
      const other = seal(context, { keyId });
      controller.abort();
      await expectError(stopped, 'ABORTED', { operation: 'encrypt' });
      await expectOpens(provider, await other, 'the plaintext of the other call');
    },
  },
]);
