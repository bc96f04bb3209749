import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectKeyArn } from '../expect.js';
import { fail, reasonsFor } from '../failing-calls.js';
import { arnIn, type Fields, invoke, type KeyUse } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { allUses, keyFor, usesFor } from '../operations.js';
import { nodeModule } from '../platform.js';
import { type TimerWatch, watchTimers } from '../timers.js';
import { expectAllHandled, turns } from '../unhandled.js';

const resources = {
  id: 'resources',
  statement:
    'A call leaves nothing behind, however it ends: no listener on its signal, no timer, no slot, no unhandled rejection, and after close no timer and no listener of the process',
  source: CONTRACT,
  power:
    'For each kind of call and each way in which it ends (success, no such key, a disabled key, damage, another context, half a reEncrypt, aborted before, at once and later), always: listeners, a timer for each call or every other one, handlers of the process, and rejections that nobody handles, in Node.js; 64 lost slots, 12 of RSA and pairs.',
};

const LOST = 64;

/** How many calls end in each way. */
const EACH = 8;

/** Makes a call that ends in one way. */
type Ending = (signal?: AbortSignal) => Promise<unknown>;

/** Returns every way in which a call can end: with success, and for each reason. */
async function endingsOf(use: KeyUse, context: CaseContext): Promise<readonly Ending[]> {
  const key = await keyFor(use, context.keys);
  const input: Fields = await use.input(context, key);
  const succeed: Ending = async (signal) => {
    const result = await invoke(context.provider, use, input, { signal });
    expectKeyArn(arnIn(result, use), key.keyId);
  };
  const failing = [];
  for (const reason of await reasonsFor(use, context)) failing.push(await reason());
  return [
    ...failing.map(
      (each): Ending =>
        (signal) =>
          fail(use, context, each, { signal }),
    ),
    succeed,
  ];
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
        title: `${use.title}: leaves no listener on the signal of many calls, however they end`,
        needs: use.needs,
        profile: 'full',
        async run(context) {
          const { signal } = new AbortController();
          const endings = await endingsOf(use, context);
          // At most 8 at once: more listeners would make Node.js print a warning.
          for (const make of endings) {
            await Promise.all(Array.from({ length: EACH }, () => make(signal)));
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
        title: `${use.title}: works after many calls that ended in each other way`,
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
          await expectAllHandled(async () => {
            for (const use of await usesFor(context)) {
              for (const make of await endingsOf(use, context)) {
                await make();
                await turns(1);
              }
            }
          });
        },
      },
      {
        id: 'RES-301',
        title: 'leaves no timer and no listener of the process after close',
        profile: 'full',
        alone: true,
        async run(context) {
          const before = await heldByProcess();
          await watchTimers(async (timers) => {
            await timers.run(async () => {
              for (let i = 0; i < 3; i++) {
                const opened = await context.open();
                const own: CaseContext = { ...context, ...opened };
                for (const use of await usesFor(own)) {
                  if (use.kind === 'RSA_2048' || use.needs.includes('asymmetric')) continue;
                  const { signal } = new AbortController();
                  for (const make of await endingsOf(use, own)) await make(signal);
                }
                await opened.close();
              }
            });
            const left = await leftOf(timers, 0);
            check(left === 0, 'no timer of its own after close', `${left}`);
          });
          for (const [what, count] of await heldByProcess(before)) {
            const allowed = before.get(what) ?? 0;
            check(count <= allowed, `at most ${allowed} of ${what} after close`, `${count}`);
          }
        },
      },
      {
        id: 'RES-303',
        title: 'leaves no timer of a call, however it ends',
        profile: 'full',
        alone: true,
        async run(context) {
          await watchTimers(async (timers) => {
            for (const use of await usesFor(context)) {
              for (const make of await endingsOf(use, context)) {
                // One of an idle connection may be left, but not one of each call.
                const allowed = timers.left() + EACH / 2 - 1;
                await timers.run(async () => {
                  for (let i = 0; i < EACH; i++) await make();
                });
                const left = await leftOf(timers, allowed);
                check(
                  left <= allowed,
                  `no timer for each of ${EACH} calls of ${use.title}`,
                  `${left} of them`,
                );
              }
            }
          });
        },
      },
    ],
    SYMMETRIC,
  ),
];

/** Loses many calls in each way, and makes as many at once afterwards. */
async function expectNoSlotLost(use: KeyUse, context: CaseContext): Promise<void> {
  const isSlow =
    use.kind === 'RSA_2048' || /Pair/.test(use.operation) || use.needs.includes('asymmetric');
  const count = isSlow ? LOST / 5 : LOST;
  for (const make of await endingsOf(use, context)) {
    await Promise.all(Array.from({ length: count }, () => make()));
  }
}

/** Waits until no more timers run than are allowed; those of an aborted call may run as long as it would have taken. */
async function leftOf(timers: TimerWatch, allowed: number): Promise<number> {
  for (let attempt = 0; attempt < 60 && timers.left() > allowed; attempt++) await turns();
  return timers.left();
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
