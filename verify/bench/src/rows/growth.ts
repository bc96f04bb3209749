import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { formatKeyArn } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { missingPostgres } from '../../../../packages/provider-local/dist-test/store/postgres-server.js';
import { timeAlternately } from '../alternate.js';
import type { Benchmark } from '../benchmark.js';
import {
  type DialectName,
  idOf,
  type Population,
  population,
  removePopulations,
  SCOPE,
} from '../population.js';

const FEW = 100;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Collects garbage; native memory is freed by the next turn of the loop. */
async function collectGarbage(): Promise<void> {
  gc();
  await new Promise((resolve) => setImmediate(resolve));
}

/** Work on a store: prepared once, then called repeatedly. */
interface Work {
  readonly call: () => Promise<unknown>;
  close(): Promise<void>;
}

const WORK: Readonly<Record<string, (of: Population) => Promise<Work>>> = {
  create: (of) => withProvider(of, 10_000, (provider) => provider.createKey()),
  alias(of) {
    let count = 0;
    // Made and deleted: KMS allows a key 50 aliases. Each time of another key, which is not in memory.
    return withProvider(of, 1, async (provider) => {
      const alias = `alias/new-${count++}`;
      await provider.createAlias({ alias, keyId: idOf((count * 37) % of.count) });
      await provider.deleteAlias({ alias });
    });
  },
  async open({ options }) {
    let count = 0;
    const call = async () => {
      await (await SqlKeyStore.open(options)).close();
      // @photostructure/sqlite keeps a file open until its statements are garbage. Too seldom to count in a median.
      if (count++ % 500 === 499) await collectGarbage();
    };
    return { call, close: collectGarbage };
  },
  'first-read'(of) {
    let count = 0;
    // One record stays in memory: each call reads another one, which is not.
    return withProvider(of, 1, (provider) =>
      provider.describeKey({ keyId: idOf((count++ * 37) % of.count) }),
    );
  },
  async 'list-page'({ options, count }) {
    const store = await SqlKeyStore.open(options);
    const after = formatKeyArn(idOf(count / 2 - 1), SCOPE);
    const call = () => store.listKeys({ scope: SCOPE, after, limit: FEW / 2 });
    return { call, close: () => store.close() };
  },
};

async function withProvider(
  { options }: Population,
  cachedRecords: number,
  call: (provider: LocalKeyWrapProvider) => Promise<unknown>,
): Promise<Work> {
  const store = await SqlKeyStore.open({ ...options, cachedRecords });
  const provider = new LocalKeyWrapProvider({ store, engine: 'node' });
  return {
    call: () => call(provider),
    async close() {
      await provider.close();
      await store.close();
    },
  };
}

function growth(dialect: DialectName, work: string, count: number): Benchmark {
  return {
    name: `${dialect}-${work}-${count}`,
    unit: 'ms',
    ours: `${work} in a store of ${count.toLocaleString('en')} keys`,
    reference: `of ${FEW}`,
    target: { ratio: 1.3 },
    missing: dialect === 'postgres' ? missingPostgres() : undefined,
    async measure() {
      const prepare = WORK[work] as (typeof WORK)[string];
      const [many, few] = [
        await prepare(await population(dialect, count)),
        await prepare(await population(dialect, FEW)),
      ];
      try {
        return await timeAlternately({
          ours: many.call,
          reference: few.call,
          batch: 1,
          unit: 'ms',
        });
      } finally {
        await many.close();
        await few.close();
      }
    },
    release: removePopulations,
  };
}

/** Compares the cost of work in a store of many keys with that in a store of few. */
export const growthBenchmarks: readonly Benchmark[] = (['sqlite', 'postgres'] as const).flatMap(
  (dialect) =>
    Object.keys(WORK).flatMap((work) =>
      [10_000, 100_000].map((count) => growth(dialect, work, count)),
    ),
);
