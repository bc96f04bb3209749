import { type CaseContext, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check } from '../expect.js';
import { SYMMETRIC } from '../needs.js';
import { quickestPair } from '../operations.js';
import { nodeModule } from '../platform.js';

const retention = {
  id: 'no-retention',
  statement:
    'A provider keeps no plaintext: results are collected when the caller drops them, and memory does not grow with the number of calls',
  source: CONTRACT,
  power:
    'By soak, where the garbage collector can be called: a result that is kept, always; 64 bytes that are kept for each call, 512 for each call of one operation, name or context, always.',
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
async function collect(gc: () => void): Promise<void> {
  for (let i = 0; i < 6; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    gc();
  }
}

const HELD = 64;
const CALLS = 5000;

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
  ],
  SYMMETRIC,
);

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
