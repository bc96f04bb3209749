import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check, expectError, expectKeyArn } from '../expect.js';
import { arnIn, invoke, type KeyUse } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { allUses, damageCodes, keyFor, openingUses, usesFor } from '../operations.js';
import { nodeModule } from '../platform.js';

const resources = {
  id: 'resources',
  statement:
    'A call leaves nothing behind: no listener on its signal, no slot that an aborted or failed call holds, no unhandled rejection, and after close no timer and no listener of the process',
  source: CONTRACT,
  power:
    'Listeners, timers and handlers of the process, one in 32 calls or more: always, in Node.js; rejections that nobody handles, of each kind of call. Up to 300 lost slots, 60 of RSA and pairs, in each operation: always.',
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
    allUses.map(
      (use): CaseInput => ({
        id: `RES-2${use.number}`,
        title: `${use.title}: works after many calls that were aborted before, during, or that failed`,
        needs: use.needs,
        profile: 'full',
        run: (context) => expectNoSlotLost(use, context),
      }),
    ),
  ),
  ...casesOf(
    resources,
    [
      {
        id: 'RES-302',
        title: 'leaves no rejection unhandled when calls fail or are aborted',
        profile: 'full',
        alone: true,
        async run(context) {
          const { process } = globalThis as { process?: NodeJS.Process };
          let unhandled = 0;
          const count = () => {
            unhandled++;
          };
          process?.on('unhandledRejection', count);
          try {
            for (const use of await usesFor(context)) {
              const key = await keyFor(use, context.keys);
              const wrong = { ...key, keyId: 'alias/keywrap-no-such-alias' };
              const controllers = Array.from({ length: 3 }, () => new AbortController());
              const damaged = { ...key, ciphertext: flip(key.ciphertext) };
              const ended = Promise.allSettled([
                ...controllers.map(({ signal }) => use.call(context, key, { signal })),
                ...[wrong, damaged].map((each) => use.call(context, each)),
              ]);
              controllers[1]?.abort();
              await turns(1);
              controllers[2]?.abort();
              await ended;
            }
            await turns();
          } finally {
            process?.off('unhandledRejection', count);
          }
          check(unhandled === 0, 'no unhandled rejection', `${unhandled} of them`);
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
              const key = await keyFor(use, opened.keys);
              await use.call(own, key, { signal });
              await use.call(own, key, { signal: AbortSignal.abort() }).catch(() => 'expected');
              const stopped = new AbortController();
              const call = use.call(own, key, { signal: stopped.signal });
              stopped.abort();
              await call.catch(() => 'expected');
              const wrong = { ...key, keyId: 'alias/keywrap-no-such-alias' };
              await use.call(own, wrong, { signal }).catch(() => 'expected');
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

/** Loses many calls in each way, and makes as many at once afterwards. */
async function expectNoSlotLost(use: KeyUse, context: CaseContext): Promise<void> {
  const { provider, keys } = context;
  const isSlow =
    use.kind === 'RSA_2048' || /Pair/.test(use.operation) || use.needs.includes('asymmetric');
  const key = await keyFor(use, keys);
  const input = await use.input(context, key);
  const damaged = openingUses.includes(use)
    ? { ...key, ciphertext: flip(key.ciphertext) }
    : { ...key, keyId: 'alias/keywrap-no-such-alias' };
  const wrong = await use.input(context, damaged);
  const many = (make: () => Promise<unknown>) =>
    Promise.all(Array.from({ length: isSlow ? LOST / 5 : LOST }, make));
  const { operation } = use;
  await many(async () => {
    const call = invoke(provider, use, input, { signal: AbortSignal.abort() });
    await expectError(call, 'ABORTED', { operation });
  });
  await many(async () => {
    const controller = new AbortController();
    const call = invoke(provider, use, input, { signal: controller.signal });
    controller.abort();
    await expectError(call, 'ABORTED', { operation });
  });
  await many(async () => {
    const codes = [...damageCodes(use), 'KEY_NOT_FOUND'] as const;
    await expectError(invoke(provider, use, wrong), codes, { operation });
  });
  await many(async () => {
    expectKeyArn(arnIn(await invoke(provider, use, input), use), key.keyId);
  });
}

/** What a harness does not leave either; sockets and files may be those of a server. */
const HELD = new Set(['Timeout', 'Immediate', 'FSEventWrap', 'StatWatcher', 'SignalWrap']);

/** Counts what keeps the process alive or listens to it, once it is no more than before. */
async function heldByProcess(before?: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const { process } = globalThis as { process?: NodeJS.Process };
  const held = new Map<string, number>();
  for (let attempt = 0; attempt < 100; attempt++) {
    await turns();
    held.clear();
    for (const name of process?.getActiveResourcesInfo?.() ?? []) {
      if (HELD.has(name)) held.set(name, (held.get(name) ?? 0) + 1);
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
