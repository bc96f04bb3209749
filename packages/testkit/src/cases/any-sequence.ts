import type { KeyWrapProvider } from '@keywrap/core';
import { type CaseContext, CONTRACT, casesOf, type Opened } from '../case.js';
import { Mismatch } from '../expect.js';
import type { Kind } from '../key-use.js';
import { RSA, SYMMETRIC } from '../needs.js';
import { OUTAGE_CODES } from '../outage.js';
import { callsFor, encrypt } from '../sequence/calls.js';
import { changesFor, enable } from '../sequence/changes.js';
import { World } from '../sequence/world.js';

const sequence = {
  id: 'any-sequence',
  statement:
    'In any sequence of calls and changes of keys, each call has the result that the state of its keys determines, and nothing that an earlier call, failure or abort left',
  source: CONTRACT,
  power:
    'A model says what each call must return: of right and wrong calls with random keys, names, contexts, sizes and damage, aborted or not, between rotations, changes of state, of aliases, and restarts. A fault in 1 of 1,500 of all calls is found with 99 % by full, in 1 of 15,000 by soak; in 1 of 100 calls of encrypt, decrypt, reEncrypt or for data keys alone with 99 % by full. Memory of results and of input that is used again within hundreds of calls: always. A slow provider gets fewer calls: those of ten seconds in each case (soak: 100).',
};

/** How many calls are made in each profile, and for how long at most: a slow provider passes with fewer. */
const EFFORTS = {
  quick: { calls: 150, limitMs: 3000 },
  full: { calls: 2500, limitMs: 10_000 },
  soak: { calls: 25_000, limitMs: 100_000 },
} as const;

interface Course {
  readonly kinds: readonly Kind[];
  /** The most calls at once. */
  readonly atOnce: number;
  /** RSA is slow. */
  readonly share?: number;
  /** Opens a second instance, and again and again. */
  readonly reopens?: boolean;
  /** Breaks the backend now and then. */
  readonly fail?: Opened['fail'];
}

async function take(context: CaseContext, course: Course): Promise<void> {
  const { kinds, atOnce, share = 1, reopens, fail } = course;
  const { calls: most, limitMs } = EFFORTS[context.profile];
  const world = new World(context, [context.provider]);
  for (const kind of kinds) await world.addKey(kind);
  if (reopens) world.providers.push(await context.reopen());
  const [randomCalls, changes] = [callsFor(world), changesFor(world)];
  const { dice } = world;
  const start = performance.now();
  while (world.calls < share * most && performance.now() - start < limitMs) {
    const size = 1 + dice.below(atOnce);
    // Now and then all are of one kind, which may wait for each other.
    const kind = dice.once(3) ? [dice.pick(randomCalls)] : randomCalls;
    const calls = Array.from({ length: size }, () => dice.pick(kind)(world));
    await Promise.all(calls).catch((error: unknown) => {
      throw placed(error, context, world);
    });
    if (dice.once(4)) {
      world.expectKept();
      // Other cases run beside this one, also where every call ends at once.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const change = changes.length > 0 && dice.once(Math.ceil(24 / atOnce));
    if (fail && dice.once(4)) await switchOutage(world, fail);
    if (change && world.outage === undefined)
      await dice.pick(changes)(world, dice.pick(world.keys));
    if (reopens && dice.once(12)) await restart(context, world);
  }
  if (world.outage !== undefined) await fail?.(undefined);
  for (const key of world.keys) await enable(world, key);
  world.expectKept();
  world.expectNonces();
}

/** Closes one of the two instances, which calls of the other survive, and opens another. */
async function restart(context: CaseContext, world: World): Promise<void> {
  const old = world.providers.pop() as KeyWrapProvider;
  await Promise.all([old.close(), encrypt(world)]);
  world.providers.push(await context.reopen());
}

const OUTAGES = ['throttled', 'denied', 'unavailable'] as const;

/** Ends an outage, or begins one. */
async function switchOutage(world: World, fail: Opened['fail']): Promise<void> {
  const outage = world.outage === undefined ? world.dice.pick(OUTAGES) : undefined;
  await fail(outage);
  world.outage = outage && OUTAGE_CODES[outage];
}

/** Says where in the sequence something was wrong. */
function placed(error: unknown, { seed }: CaseContext, { calls, keys }: World): unknown {
  if (!(error instanceof Mismatch)) return error;
  const states = keys.map(({ state, epoch }) => `${state} after ${epoch} rotations`);
  const where = `about call ${calls}, keys: ${states.join(', ')}; --seed ${seed} repeats the calls`;
  return new Mismatch(error.expected, `${error.actual} (${where})`, error.cause);
}

const THREE = ['SYMMETRIC_DEFAULT', 'SYMMETRIC_DEFAULT', 'SYMMETRIC_DEFAULT'] as const;

export const anySequenceCases = casesOf(sequence, [
  {
    id: 'SEQ-101',
    title: 'matches a model: one call after the other, with symmetric keys',
    needs: SYMMETRIC,
    run: (context) => take(context, { kinds: THREE, atOnce: 1 }),
  },
  {
    id: 'SEQ-102',
    title: 'matches a model: up to 24 calls at once, with symmetric keys',
    needs: SYMMETRIC,
    run: (context) => take(context, { kinds: THREE, atOnce: 24 }),
  },
  {
    id: 'SEQ-103',
    title: 'matches a model: with RSA keys, and symmetric ones if there are any',
    needs: RSA,
    profile: 'full',
    async run(context) {
      const isBoth = context.provider.capabilities.algorithms.includes('SYMMETRIC_DEFAULT');
      const kinds = ['RSA_2048', 'RSA_2048', ...(isBoth ? THREE.slice(1) : [])] as const;
      await take(context, { kinds, atOnce: 8, share: 0.4 });
    },
  },
  {
    id: 'SEQ-104',
    title: 'matches a model: with two instances over the same keys, one of which is restarted',
    needs: [...SYMMETRIC, 'reopen'],
    profile: 'full',
    run: (context) => take(context, { kinds: THREE, atOnce: 12, share: 0.4, reopens: true }),
  },
  {
    id: 'SEQ-105',
    title: 'matches a model: with outages between the calls',
    needs: [...SYMMETRIC, 'fail', 'fail:throttled', 'fail:denied', 'fail:unavailable'],
    profile: 'full',
    alone: true,
    async run(context) {
      const opened = await context.open();
      const { fail } = opened;
      try {
        await take({ ...context, ...opened }, { kinds: THREE, atOnce: 6, share: 0.3, fail });
      } finally {
        await fail(undefined);
      }
    },
  },
]);
