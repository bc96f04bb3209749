import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check, expectError } from '../expect.js';
import { invoke } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { allUses, keyFor, openingUses, usesFor } from '../operations.js';
import { nodeModule } from '../platform.js';
import { expectOpens, roundTrip, seal } from '../round-trip.js';

const resources = {
  id: 'resources',
  statement:
    'A call leaves nothing behind: no listener on its signal, no slot that an aborted or failed call holds, and after close no timer and no listener of the process',
  source: CONTRACT,
  power:
    'Listeners, timers and handlers of the process, one in 32 calls or more: always, in Node.js. Up to 300 lost slots: always.',
};

const LOST = 100;

/** Gives up the thread for some turns of the event loop, in which what is over is cleaned up. */
async function turns(count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Counts the listeners of a signal, where the runtime can: browsers can't. */
function listenersOf(signal: AbortSignal): number {
  return nodeModule('node:events')?.getEventListeners(signal, 'abort').length ?? 0;
}

export const resourceCases = [
  ...casesOf(
    resources,
    allUses.map(
      (use): CaseInput => ({
        id: `RES-1${use.number}`,
        title: `${use.title}: leaves no listener on the signal of many calls, half of which fail`,
        needs: use.needs,
        profile: 'full',
        async run(context) {
          const { provider, keys } = context;
          const { signal } = new AbortController();
          const key = await keyFor(use, keys);
          const input = await use.input(context, key);
          const wrong = openingUses.includes(use)
            ? await use.input(context, { ...key, ciphertext: flip(key.ciphertext) })
            : await use.input(context, { ...key, keyId: 'alias/keywrap-no-such-alias' });
          // At most 8 at once: more listeners would make Node.js print a warning.
          for (let i = 0; i < (use.kind === 'RSA_2048' ? 8 : 32); i += 8) {
            const calls = Array.from({ length: 8 }, (_, j) =>
              invoke(provider, use, j % 2 === 0 ? input : wrong, { signal }),
            );
            await Promise.allSettled(calls);
          }
          await turns();
          const left = listenersOf(signal);
          check(left === 0, 'a signal without listeners', `${left} of them`);
        },
      }),
    ),
  ),
  ...casesOf(
    resources,
    [
      {
        id: 'RES-201',
        title: `works after ${LOST} calls that were aborted before, ${LOST} during, and ${LOST} that failed`,
        profile: 'full',
        async run(context) {
          const { provider } = context;
          const sealed = await seal(context);
          const damaged = { keyId: sealed.keyId, ciphertext: flip(sealed.ciphertext) };
          const many = (make: () => Promise<unknown>) =>
            Promise.all(Array.from({ length: LOST }, make));
          await many(async () => {
            const call = provider.decrypt(sealedInput(sealed), { signal: AbortSignal.abort() });
            await expectError(call, 'ABORTED', { operation: 'decrypt' });
          });
          await many(async () => {
            const controller = new AbortController();
            const call = provider.decrypt(sealedInput(sealed), { signal: controller.signal });
            controller.abort();
            await expectError(call, 'ABORTED', { operation: 'decrypt' });
          });
          await many(async () => {
            await expectError(provider.decrypt(damaged), 'INVALID_CIPHERTEXT', {
              operation: 'decrypt',
            });
          });
          await many(() => expectOpens(provider, sealed));
          await roundTrip(context);
        },
      },
      {
        id: 'RES-301',
        title: 'leaves no timer and no listener of the process after close',
        profile: 'full',
        alone: true,
        async run(context) {
          const before = await heldByProcess();
          for (let i = 0; i < 3; i++) {
            const opened = await context.open();
            const own: CaseContext = { ...context, ...opened };
            for (const use of await usesFor(own)) {
              if (use.kind === 'RSA_2048' || use.needs.includes('asymmetric')) continue;
              const { signal } = new AbortController();
              await use.call(own, await keyFor(use, opened.keys), { signal });
            }
            await opened.close();
          }
          const after = await heldByProcess(before);
          for (const [what, count] of after) {
            const allowed = before.get(what) ?? 0;
            check(count <= allowed, `at most ${allowed} of ${what} after close`, `${count}`);
          }
        },
      },
    ],
    SYMMETRIC,
  ),
];

const sealedInput = ({ keyId, ciphertext }: { keyId: string; ciphertext: Uint8Array }) => ({
  keyId,
  ciphertext,
});

/** Counts what keeps the process alive or listens to it, once it is no more than before. */
async function heldByProcess(before?: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const { process } = globalThis as { process?: NodeJS.Process };
  const held = new Map<string, number>();
  for (let attempt = 0; attempt < 100; attempt++) {
    await turns();
    held.clear();
    for (const name of process?.getActiveResourcesInfo?.() ?? []) {
      if (name === 'Timeout' || name === 'Immediate') held.set(name, (held.get(name) ?? 0) + 1);
    }
    for (const event of process?.eventNames?.() ?? []) {
      held.set(`listeners of ${String(event)}`, process?.listenerCount(event) ?? 0);
    }
    if (
      before === undefined ||
      [...held].every(([what, count]) => count <= (before.get(what) ?? 0))
    )
      break;
  }
  return held;
}
