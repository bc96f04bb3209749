import type { Benchmark } from './benchmark.js';
import { leastHit, measureHit } from './rows/data-key-cache.js';

/** For lines that miss their target: in place of ours, the least that has to be done for it. */
export const floors: readonly Benchmark[] = [
  {
    name: 'kms-server-throughput',
    unit: 'ms',
    ours: 'node:http, JSON and the bare cryptography of GenerateDataKey',
    reference: 'a bare node:http server that parses and answers JSON of the same size',
    target: { ratio: 1.6 },
    measure: async () => (await import('./kms-load.js')).measureThroughput('floor-server'),
  },
  {
    name: 'datakey-cache-hit',
    unit: 'µs',
    ours: 'a promise, the lookup in the LRU cache, copies of both halves, the result',
    reference: 'a bare `Map` lookup and a copy of 32 bytes',
    target: { ratio: 4 },
    measure: () => measureHit(leastHit()),
  },
];
