import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Benchmark, Rounds } from '../benchmark.js';

const SOAK = fileURLToPath(new URL('../programs/soak.js', import.meta.url));

export const memoryBenchmarks: readonly Benchmark[] = [
  {
    name: 'memory-soak',
    unit: 'MiB',
    ours: 'heap after 1,000,000 `encrypt` and `decrypt`',
    reference: 'heap after 10,000',
    target: { more: 5 },
    /** In a process of its own, which nothing else has used the heap of. */
    async measure() {
      const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', SOAK]);
      return JSON.parse(stdout) as Rounds;
    },
  },
];
