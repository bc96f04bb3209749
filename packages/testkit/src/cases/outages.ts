import type { KeyWrapErrorCode } from '@keywrap/core';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { expectError } from '../expect.js';
import type { Outage } from '../harness.js';
import { type Fields, invoke, type KeyUse } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { keyFor, usesFor } from '../operations.js';
import { mayWorkAlone, OUTAGE_CODES } from '../outage.js';
import { expectOpens, roundTrip, seal } from '../round-trip.js';

const outages = {
  id: 'outages',
  statement:
    'An outage is reported as what it is (THROTTLED, ACCESS_DENIED, UNAVAILABLE), never as a bad ciphertext or a missing key, and ends when the backend is back',
  source: CONTRACT,
  power:
    'Always, by full, where the harness has fail: an outage of all requests that one operation reports with another code, or that goes on afterwards. Not found: how an outage of one kind of request is reported.',
};

const OUTAGES = Object.entries(OUTAGE_CODES) as [Outage, KeyWrapErrorCode][];

async function expectOutage(
  call: Promise<unknown>,
  { operation }: KeyUse,
  input: Fields,
  code: KeyWrapErrorCode,
): Promise<void> {
  const [{ status }] = await Promise.allSettled([call]);
  if (status === 'fulfilled' && mayWorkAlone(operation, input)) return;
  await expectError(call, code, { operation });
}

export const outageCases = casesOf(
  outages,
  OUTAGES.flatMap(([outage, code], i): CaseInput[] => [
    {
      id: `OUT-10${i + 1}`,
      title: `${outage}: every call that needs the backend rejects with ${code}, and works again afterwards`,
      needs: ['fail', `fail:${outage}`],
      profile: 'full',
      alone: true,
      async run(context) {
        const opened = await context.open();
        const own = { ...context, ...opened };
        const { provider, keys } = opened;
        const calls = await Promise.all(
          (await usesFor(own)).map(async (use) => ({
            use,
            input: await use.input(own, await keyFor(use, keys)),
          })),
        );
        const all = () => Promise.all(calls.map(({ use, input }) => invoke(provider, use, input)));
        await all();
        await opened.fail(outage);
        try {
          await Promise.all(
            calls.map(({ use, input }) =>
              expectOutage(invoke(provider, use, input), use, input, code),
            ),
          );
        } finally {
          await opened.fail(undefined);
        }
        await all();
        await roundTrip(own, { keyId: await keys.get() });
      },
    },
    {
      id: `OUT-20${i + 1}`,
      title: `${outage}: in the middle of many calls, each succeeds or rejects with ${code}`,
      needs: ['fail', `fail:${outage}`],
      profile: 'full',
      alone: true,
      async run(context) {
        const opened = await context.open();
        const own = { ...context, ...opened };
        const { provider, keys } = opened;
        const sealed = await seal(own, { keyId: await keys.get() });
        const some = (count: number) =>
          Promise.allSettled(Array.from({ length: count }, () => expectOpens(provider, sealed)));
        const early = some(32);
        await opened.fail(outage);
        const late = some(8);
        try {
          for (const { status, ...outcome } of [...(await early), ...(await late)]) {
            if (status === 'fulfilled') continue;
            const { reason } = outcome as PromiseRejectedResult;
            await expectError(Promise.reject(reason), code, { operation: 'decrypt' });
          }
        } finally {
          await opened.fail(undefined);
        }
        await expectOpens(provider, sealed);
      },
    },
    {
      id: `OUT-30${i + 1}`,
      title: `${outage}: the provider can be closed`,
      needs: ['fail', `fail:${outage}`],
      profile: 'full',
      alone: true,
      async run(context) {
        const { provider, keys, fail } = await context.open();
        const keyId = await keys.get();
        await fail(outage);
        try {
          const plaintext = context.secret();
          await expectError(provider.encrypt({ keyId, plaintext }), code, { operation: 'encrypt' });
          await provider.close();
          await expectError(provider.describeKey({ keyId }), 'CLOSED', {
            operation: 'describeKey',
          });
        } finally {
          await fail(undefined);
        }
      },
    },
  ]),
  SYMMETRIC,
);
