import type { Benchmark } from '../benchmark.js';

/** With its row: how much a process has loaded changes how it collects garbage. */
const load = () => import('../kms-load.js');

export const kmsBenchmarks: readonly Benchmark[] = [
  {
    name: 'kms-overhead',
    unit: 'µs',
    ours: 'provider-kms `encrypt` against kms-server',
    reference: "the bare SDK's `send` to the same server",
    target: { ratio: 1.05 },
    measure: async () => (await load()).measureOverhead(),
  },
  {
    name: 'kms-server-throughput',
    unit: 'ms',
    ours: 'kms-server GenerateDataKey, 32 connections',
    reference: 'its floor: node:http, JSON and the bare cryptography',
    target: { ratio: 1.1 },
    measure: async () => (await load()).measureThroughput(),
  },
  {
    name: 'kms-server-workers',
    unit: 'ms',
    ours: 'keywrap-kms --workers 2 with a store in a file, GenerateDataKey, 32 connections',
    reference: 'the same with one process; two cores must be free',
    target: { ratio: 0.8 },
    measure: async () => (await load()).measureWorkers(),
  },
  {
    name: 'kms-server-waiting',
    unit: 'ms',
    ours: 'p99 of a client that calls DescribeKey while kms-server makes RSA-4096 keys for 12 others',
    reference: 'p99 while it makes none, and 100 ms',
    target: { ratio: 1 },
    measure: async () => (await load()).measureWaiting(),
  },
];
