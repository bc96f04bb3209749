import type { KeyWrapErrorCode } from '@keywrap/core';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { expectError, expectKeyArn } from '../expect.js';
import type { Outage } from '../harness.js';
import { arnIn } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { keyFor, newAlias, usesFor } from '../operations.js';
import { mayWorkAlone, OUTAGE_CODES } from '../outage.js';
import { roundTrip } from '../round-trip.js';
import { expectAllHandled } from '../unhandled.js';
import { callAgain, type Warm } from '../warm-calls.js';

const outages = {
  id: 'outages',
  statement:
    'An outage is reported as what it is (THROTTLED, ACCESS_DENIED, UNAVAILABLE), never as a bad ciphertext or a missing key, and ends when the backend is back, also for an instance that has seen nothing else',
  source: CONTRACT,
  power:
    'Always, by full, where the harness has fail: an outage of all requests that one operation reports with another code, or that goes on afterwards: for a name, after a dozen failures of each operation, in the first call of an instance, or because they have lost slots. Not found: how an outage of one kind of request is reported.',
};

const OUTAGES = Object.entries(OUTAGE_CODES) as [Outage, KeyWrapErrorCode][];

/** How often each call fails. */
const FAILURES = 6;

/** One call of each kind, under the ARN of a key or under a new alias of it. */
async function callsOf(context: CaseContext, isAlias = false): Promise<readonly Warm[]> {
  const { provider, keys } = context;
  const aliases = new Map<string, string>();
  const nameOf = async (keyId: string) => {
    if (!isAlias || !keys.can('alias')) return keyId;
    const alias = aliases.get(keyId) ?? newAlias();
    if (!aliases.has(keyId)) await keys.alias(alias, keyId);
    aliases.set(keyId, alias);
    return alias;
  };
  const calls: Warm[] = [];
  for (const use of await usesFor(context)) {
    const key = await keyFor(use, keys);
    const input = await use.input(context, { ...key, keyId: await nameOf(key.keyId) });
    calls.push({ provider, use, input });
  }
  return calls;
}

async function expectOutage(each: Warm, code: KeyWrapErrorCode): Promise<void> {
  const { operation } = each.use;
  const call = callAgain(each);
  const [{ status }] = await Promise.allSettled([call]);
  if (status === 'fulfilled' && mayWorkAlone(operation, each.input)) return;
  await expectError(call, code, { operation });
}

const atOnce = (calls: readonly Warm[], work: (each: Warm) => Promise<unknown>) =>
  Promise.all(calls.map(work));

export const outageCases = casesOf(
  outages,
  OUTAGES.flatMap(([outage, code], i): CaseInput[] => {
    const common = { profile: 'full', alone: true } as const;
    const needs = ['fail', `fail:${outage}`] as const;
    return [
      {
        ...common,
        id: `OUT-10${i + 1}`,
        title: `${outage}: every call that needs the backend rejects with ${code}, and works again afterwards`,
        needs,
        async run(context) {
          const opened = await context.open();
          const own = { ...context, ...opened };
          const calls = [...(await callsOf(own)), ...(await callsOf(own, true))];
          await atOnce(calls, callAgain);
          // Names that are first used when the backend does not answer.
          const cold = await callsOf(own, true);
          await expectAllHandled(async () => {
            await opened.fail(outage);
            try {
              for (let failures = 0; failures < FAILURES; failures++) {
                await atOnce([...calls, ...cold], (each) => expectOutage(each, code));
              }
            } finally {
              await opened.fail(undefined);
            }
            for (let again = 0; again < FAILURES; again++)
              await atOnce([...calls, ...cold], callAgain);
          });
          await roundTrip(own, { keyId: await opened.keys.get() });
        },
      },
      {
        ...common,
        id: `OUT-20${i + 1}`,
        title: `${outage}: in the middle of calls of each kind, each succeeds or rejects with ${code}`,
        needs,
        async run(context) {
          const opened = await context.open();
          const calls = await callsOf({ ...context, ...opened });
          const settled = async (each: Warm) => {
            const call = callAgain(each);
            const [{ status }] = await Promise.allSettled([call]);
            const { operation } = each.use;
            if (status === 'rejected') await expectError(call, code, { operation });
          };
          await expectAllHandled(async () => {
            const early = [0, 1, 2].map(() => atOnce(calls, settled));
            await opened.fail(outage);
            try {
              await Promise.all([...early, atOnce(calls, settled)]);
            } finally {
              await opened.fail(undefined);
            }
            await atOnce(calls, callAgain);
          });
        },
      },
      {
        ...common,
        id: `OUT-30${i + 1}`,
        title: `${outage}: the provider can be closed`,
        needs,
        async run(context) {
          const { provider, keys, fail } = await context.open();
          const keyId = await keys.get();
          await fail(outage);
          try {
            const plaintext = context.secret();
            await expectError(provider.encrypt({ keyId, plaintext }), code, {
              operation: 'encrypt',
            });
            await provider.close();
            await expectError(provider.describeKey({ keyId }), 'CLOSED', {
              operation: 'describeKey',
            });
          } finally {
            await fail(undefined);
          }
        },
      },
      {
        ...common,
        id: `OUT-40${i + 1}`,
        title: `${outage}: an instance whose first call it met works afterwards, whichever call that was`,
        needs: [...needs, 'reopen'],
        async run(context) {
          const opened = await context.open();
          const calls = await callsOf({ ...context, ...opened });
          const first: Warm[] = [];
          for (const each of calls) first.push({ ...each, provider: await opened.reopen() });
          await opened.fail(outage);
          try {
            for (let failures = 0; failures < 2; failures++) {
              await atOnce(first, (each) => expectOutage(each, code));
            }
          } finally {
            await opened.fail(undefined);
          }
          for (const each of first) {
            const results = [await callAgain(each), await callAgain(each)];
            const { keyId } = await keyFor(each.use, opened.keys);
            for (const result of results) expectKeyArn(arnIn(result, each.use), keyId);
            await each.provider.close();
          }
        },
      },
    ];
  }),
  SYMMETRIC,
);
