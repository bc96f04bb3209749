import { type KeyWrapProvider, limitOf } from '@keywrap/core';
import { type CaseContext, CONTRACT, casesOf, type Opened } from '../case.js';
import { flip } from '../damage.js';
import { check } from '../expect.js';
import { fail, reasonsFor } from '../failing-calls.js';
import { invoke, type KeyUse } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { keyFor, quickestPair, useNumbered, usesFor } from '../operations.js';
import { nodeModule } from '../platform.js';
import { manyOf } from '../statistics.js';

const retention = {
  id: 'no-retention',
  statement:
    'A provider keeps nothing of a call, however it ends: results and reasons of aborts are collected when the caller drops them, and memory does not grow with the number of calls',
  source: CONTRACT,
  power:
    'Where the garbage collector can be called: the signal, the reason or the error of an aborted call of any operation, always, by full. By soak: a result that is kept, always; 64 bytes that are kept for each call, 512 for each call of one operation, name or context, 1,024 of each call of six kinds that fails for one of up to 13 reasons or in an outage, always.',
};

/** The garbage collector, where the runtime gives it: Node.js does on request. */
function collector(): (() => void) | undefined {
  const { gc } = globalThis as { gc?: () => void };
  if (gc !== undefined) return gc;
  try {
    nodeModule('node:v8')?.setFlagsFromString('--expose-gc');
    return nodeModule('node:vm')?.runInNewContext('gc') as (() => void) | undefined;
  } catch {
    return undefined;
  }
}

/** Collects garbage in several turns of the event loop, because finalizers and weak references wait for one. */
async function collect(gc: () => void, turns = 6): Promise<void> {
  for (let i = 0; i < turns; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    gc();
  }
}

const HELD = 64;
const CALLS = 5000;

/** Calls of one kind that end without a result, and the bytes of each that may be kept. */
const [LOST, ALLOWED] = [300, 1024];

/** How many calls are waited for after those that were aborted: more than a backend works on at once. */
const AFTERWARDS = 32;

/** How many calls of each kind are aborted. */
const ABORTED = 16;

/** The uses of a key whose input is long, and one of each kind that makes something. */
const LOSING = ['01', '03', '05', '06', '11', '12'].map(useNumbered);

/** A provider of its own, as a case has it, that the suite keeps nothing of. */
async function openBare(context: CaseContext) {
  const opened = await context.open();
  return { ...context, ...opened, provider: opened.bare };
}

/** Fails the case when something of each of many failing calls is kept: more for each, once it has warmed up. */
async function expectNothingKept(
  context: CaseContext,
  gc: () => void,
  fails?: Opened['fail'],
): Promise<void> {
  const { capabilities } = context.provider;
  const long = {
    length: limitOf(capabilities, 'plaintext'),
    encryptionContext: { tenant: 'x'.repeat(limitOf(capabilities, 'encryptionContext') >> 1) },
  };
  for (const use of await usesFor(context, LOSING)) {
    const isRsa = use.kind === 'RSA_2048';
    const input = await use.input(context, await keyFor(use, context.keys));
    const succeed = () => invoke(context.provider, use, input);
    const reasons = await reasonsFor(use, context, isRsa ? {} : long);
    for (const [i, reason] of (fails ? reasons.slice(0, 1) : reasons).entries()) {
      const { abort, ...failing } = await reason();
      const grow = async () => {
        const before = await settled(gc);
        await manyOf(LOST, () => fail(use, context, fails ? failing : { ...failing, abort }));
        // What was begun for an aborted call may go on, but not for longer than calls that came after it.
        if (!fails && abort !== undefined) await manyOf(AFTERWARDS, succeed);
        return (await settled(gc)) - before;
      };
      await fails?.('unavailable');
      // The first time warms up.
      await grow();
      let least = await grow();
      // Only where more is kept each time: others work in the same process.
      for (let again = 0; again < 3 && least >= ALLOWED * LOST; again++) {
        least = Math.min(least, await grow());
      }
      await fails?.(undefined);
      check(
        least < ALLOWED * LOST,
        `less than ${ALLOWED} bytes that are kept of each ${use.title} that fails`,
        `${Math.round(least / LOST)} bytes, for reason ${i + 1}`,
      );
    }
  }
}

async function settled(gc: () => void): Promise<number> {
  await collect(gc, 2);
  return used();
}

export const retentionCases = casesOf(
  retention,
  [
    {
      id: 'RET-201',
      title: 'results and inputs that the caller drops are collected',
      profile: 'soak',
      alone: true,
      async run(context) {
        const gc = collector();
        if (gc === undefined) return;
        const kept = await dropResults(context);
        await collect(gc);
        const alive = kept.filter((each) => each.deref() !== undefined).length;
        // The last ones may be on the stack, or in a promise that has just settled.
        check(
          alive <= HELD / 8,
          `at most ${HELD / 8} of ${kept.length} results that are still there`,
          `${alive}`,
        );
      },
    },
    {
      id: 'RET-202',
      title:
        'memory does not grow from 10,000 calls to 15,000, with other names and contexts each time',
      profile: 'soak',
      alone: true,
      async run(context) {
        const gc = collector();
        if (gc === undefined) return;
        const { bare: provider, keys } = await context.open();
        const keyId = await keys.get();
        const { ciphertext } = await provider.encrypt({ keyId, plaintext: new Uint8Array(32) });
        const damaged = flip(ciphertext);
        const { encryptionContext: binds, dataKeys } = provider.capabilities;
        const rounds: number[] = [];
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < CALLS; i++) {
            const input = { keyId, plaintext: new Uint8Array(32) };
            const name = `${round}-${i}`;
            // What is different in each call could be kept as the key of an entry.
            if (i % 8 === 7)
              await provider.decrypt({ keyId, ciphertext: damaged }).catch(() => 'expected');
            else if (i % 8 === 6)
              await provider.describeKey({ keyId: `alias/${name}` }).catch(() => 'expected');
            else if (i % 8 === 5 && binds)
              await provider.encrypt({ ...input, encryptionContext: { name } });
            else if (i % 8 === 4 && dataKeys)
              (await provider.generateDataKey({ keyId, keySpec: 'AES_256' }))[Symbol.dispose]();
            else if (i % 2 === 0) await provider.encrypt(input);
            else (await provider.decrypt({ keyId, ciphertext }))[Symbol.dispose]();
          }
          await collect(gc);
          rounds.push(used());
        }
        // The first round warms up.
        const grown = (rounds[2] as number) - (rounds[1] as number);
        const bound = 64 * CALLS;
        check(
          grown < bound,
          `less than ${bound} bytes more after ${CALLS} calls`,
          `${grown} bytes`,
        );
      },
    },
    {
      id: 'RET-203',
      title: `memory does not grow with ${LOST} calls of each kind that fail, for each reason, or are aborted`,
      profile: 'soak',
      alone: true,
      async run(context) {
        const gc = collector();
        if (gc !== undefined) await expectNothingKept(await openBare(context), gc);
      },
    },
    {
      id: 'RET-205',
      title: 'signals, reasons and errors of aborted calls are collected',
      profile: 'full',
      alone: true,
      async run(context) {
        const gc = collector();
        if (gc === undefined) return;
        const own = await openBare(context);
        const kept = new Map<string, WeakRef<object>[]>();
        for (const use of await usesFor(own)) {
          for (const [what, refs] of await abortSome(own, use)) {
            kept.set(`${what} of ${use.title}`, refs);
          }
        }
        // Their work may go on until then.
        await own.provider.close();
        await collect(gc);
        for (const [what, refs] of kept) {
          const alive = refs.filter((each) => each.deref() !== undefined).length;
          check(alive <= ABORTED / 4, `no ${what} that is still there`, `${alive} of ${ABORTED}`);
        }
      },
    },
    {
      id: 'RET-204',
      title: `memory does not grow with ${LOST} calls of each kind in an outage`,
      needs: ['fail', 'fail:unavailable'],
      profile: 'soak',
      alone: true,
      async run(context) {
        const gc = collector();
        if (gc === undefined) return;
        const own = await openBare(context);
        await expectNothingKept(own, gc, own.fail);
      },
    },
  ],
  SYMMETRIC,
);

/** Aborts calls at once and later, and keeps only weak references to what they were given and to their errors. */
async function abortSome(context: CaseContext, use: KeyUse) {
  const input = await use.input(context, await keyFor(use, context.keys));
  const kept = new Map<string, WeakRef<object>[]>();
  const keep = (what: string, value: object) =>
    kept.set(what, [...(kept.get(what) ?? []), new WeakRef(value)]);
  for (let i = 0; i < ABORTED; i++) {
    const controller = new AbortController();
    const reason = new Error('the caller has given up');
    const call = invoke(context.provider, use, input, { signal: controller.signal });
    if (i % 2 === 1) await undefined;
    controller.abort(reason);
    const error = await call.then(
      () => ({}),
      (rejection: object) => rejection,
    );
    keep('signal', controller.signal);
    keep('reason of an abort', reason);
    keep('error', error);
  }
  return kept;
}

function used(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

/** Makes results and keeps only weak references to their plaintexts and to themselves. */
async function dropResults({ open }: CaseContext): Promise<WeakRef<object>[]> {
  const { bare: provider, keys } = await open();
  const keyId = await keys.get();
  const refs: WeakRef<object>[] = [];
  for (let i = 0; i < HELD / 4; i++) {
    const plaintext = new Uint8Array(32);
    const { ciphertext } = await provider.encrypt({ keyId, plaintext });
    const result = await provider.decrypt({ keyId, ciphertext });
    refs.push(new WeakRef(plaintext), new WeakRef(result), new WeakRef(result.plaintext.buffer));
    const { dataKeys, dataKeyPairSpecs, encryptionContext: binds } = provider.capabilities;
    refs.push(...(await dropFailed(provider, binds)));
    if (!dataKeys) continue;
    const dataKey = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
    refs.push(new WeakRef(dataKey.plaintext.buffer));
    if (dataKeyPairSpecs.length === 0) continue;
    const input = { keyId, keyPairSpec: quickestPair(provider) };
    const pair = await provider.generateDataKeyPair(input);
    refs.push(new WeakRef(pair.privateKey.buffer));
  }
  return refs;
}

/** Makes a call that fails, and keeps only weak references to its input and its error. */
async function dropFailed(provider: KeyWrapProvider, binds: boolean): Promise<WeakRef<object>[]> {
  const { signal } = new AbortController();
  const encryptionContext = { tenant: 'a' };
  const plaintext = new Uint8Array(32);
  const input = {
    keyId: 'alias/keywrap-no-such-alias',
    plaintext,
    ...(binds && { encryptionContext }),
  };
  const error: unknown = await provider.encrypt(input, { signal }).catch((each: unknown) => each);
  return [plaintext, encryptionContext, signal, error as object].map((each) => new WeakRef(each));
}
