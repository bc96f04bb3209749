import type { Benchmark } from './benchmark.js';

/** For lines that miss their target: replaces our side by the minimum work. */
export const floors: readonly Benchmark[] = [
  {
    name: 'kms-server-throughput',
    unit: 'ms',
    ours: 'node:http, JSON and the bare cryptography of GenerateDataKey',
    reference: 'a bare node:http server that parses and returns JSON of the same size',
    target: { ratio: 1.6 },
    measure: async () => (await import('./kms-load.js')).measureThroughput('floor-server'),
  },
];
