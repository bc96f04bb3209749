import type { Benchmark } from './benchmark.js';
import { dataKeyCacheBenchmarks } from './rows/data-key-cache.js';
import { envelopeBenchmarks } from './rows/envelope.js';
import { envelopeVsAwsBenchmarks } from './rows/envelope-vs-aws.js';
import { growthBenchmarks } from './rows/growth.js';
import { importBenchmarks } from './rows/imports.js';
import { kmsBenchmarks } from './rows/kms.js';
import { localBenchmarks } from './rows/local.js';
import { memoryBenchmarks } from './rows/memory.js';
import { rsaBenchmarks } from './rows/rsa.js';
import { scaleBenchmarks } from './rows/scale.js';

/** Every line of the table, from the top down. */
export const benchmarks: readonly Benchmark[] = [
  ...localBenchmarks,
  ...rsaBenchmarks,
  ...kmsBenchmarks,
  ...dataKeyCacheBenchmarks,
  ...envelopeBenchmarks,
  ...envelopeVsAwsBenchmarks,
  ...importBenchmarks,
  ...scaleBenchmarks,
  ...growthBenchmarks,
  ...memoryBenchmarks,
];
