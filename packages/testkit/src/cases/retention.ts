import { limitOf } from '@keywrap/core';
import { hexOf } from '../bytes.js';
import { type CaseContext, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { type Ending, endingsOf } from '../endings.js';
import { check } from '../expect.js';
import { type Fields, invoke, type KeyUse } from '../key-use.js';
import { SYMMETRIC } from '../needs.js';
import { describeUse, keyFor, quickestPair, usesFor } from '../operations.js';
import { nodeModule } from '../platform.js';
import { seal } from '../round-trip.js';

const retention = {
  id: 'no-retention',
  statement:
    'A provider keeps nothing of a call, however it ends: results and reasons of aborts are collected when the caller drops them, and memory does not grow with the number of calls',
  source: CONTRACT,
  power:
    'Where the garbage collector can be called: a result, an error, a signal or the reason of an abort that is kept, in any operation, always, by full. By soak: 64 bytes that are kept for each call, 512 for each call of one operation, name or context, and the whole request of the calls of one operation that end in one way.',
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
async function collect(gc: () => void, times = 6): Promise<void> {
  for (let i = 0; i < times; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    gc();
  }
}

const HELD = 64;
const CALLS = 5000;

/** How many calls of an operation end in each way, with inputs of how many bytes. */
const EACH = 100;
const LARGE = 4000;

/** How many calls are aborted. */
const ABORTED = 16;

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
      id: 'RET-203',
      title: 'what was given to calls that were aborted or failed is collected',
      profile: 'full',
      alone: true,
      async run(context) {
        const gc = collector();
        if (gc === undefined) return;
        const opened = await context.open();
        const own = { ...context, ...opened, provider: opened.bare };
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
      title: 'memory does not grow with calls that end in any way, of each operation',
      profile: 'soak',
      alone: true,
      async run(context) {
        const gc = collector();
        if (gc === undefined) return;
        const opened = await context.open();
        const own = { ...context, ...opened, provider: opened.bare };
        const endings: Ending[] = [];
        for (const use of await usesFor(own)) {
          // An RSA request is too small to be seen, and too slow.
          if (use.kind === 'RSA_2048' || use.needs.includes('asymmetric')) continue;
          const special = use === describeUse ? {} : { key: await seal(own, largest(own)), vary };
          endings.push(...(await endingsOf(use, own, special)));
        }
        const rounds: number[] = [];
        for (let round = 0; round < 3; round++) {
          for (const { make } of endings) for (let i = 0; i < EACH; i++) await make();
          await collect(gc);
          rounds.push(used());
        }
        const grown = (rounds[2] as number) - (rounds[1] as number);
        // The smallest request of one way: a context or a plaintext of this length.
        const bound = (EACH * LARGE) / 2;
        check(grown < bound, `less than ${bound} bytes more after as many calls`, `${grown} bytes`);
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
  ],
  SYMMETRIC,
);

/** An input that is as large as a provider takes it, up to {@link LARGE}. */
function largest({ provider: { capabilities } }: CaseContext) {
  const { encryptionContext: binds } = capabilities;
  return {
    plaintext: new Uint8Array(Math.min(LARGE, limitOf(capabilities, 'plaintext'))),
    ...(binds && {
      encryptionContext: { tenant: longText(limitOf(capabilities, 'encryptionContext')) },
    }),
  };
}

function longText(limit: number): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(Math.min(LARGE, limit) / 4)));
}

/** Gives a data key a context of its own, which nothing else keeps. */
function vary(input: Fields): Fields {
  if (!('encryptionContext' in input) || 'ciphertext' in input) return input;
  const { tenant } = input.encryptionContext as { tenant: string };
  return { ...input, encryptionContext: { tenant: longText(2 * tenant.length) } };
}

/** Aborts calls at once and later, and keeps only weak references to what they were given and to their errors. */
async function abortSome({ provider, ...context }: CaseContext, use: KeyUse) {
  const input = await use.input({ ...context, provider }, await keyFor(use, context.keys));
  const kept = new Map<string, WeakRef<object>[]>();
  const keep = (what: string, value: object) =>
    kept.set(what, [...(kept.get(what) ?? []), new WeakRef(value)]);
  for (let i = 0; i < ABORTED; i++) {
    const controller = new AbortController();
    const reason = new Error('the caller has given up');
    const call = invoke(provider, use, input, { signal: controller.signal });
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
    const { dataKeys, dataKeyPairSpecs } = provider.capabilities;
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
