import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { timeAlternately } from '../alternate.js';
import type { Benchmark } from '../benchmark.js';

const program = (name: string) => fileURLToPath(new URL(`../programs/${name}.js`, import.meta.url));

function run(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed: ${stderr}`);
}

function startOf(name: string) {
  const file = program(name);
  return timeAlternately({
    ours: () => run(file),
    reference: () => run('-e', '0'),
    batch: 1,
    time: 1000,
    unit: 'ms',
  });
}

export const importBenchmarks: readonly Benchmark[] = [
  {
    name: 'import-core',
    unit: 'ms',
    ours: 'process start with `@keywrap/core` imported',
    reference: 'bare `node -e 0`',
    target: { more: 15 },
    measure: () => startOf('import-core'),
  },
  {
    name: 'import-kms',
    unit: 'ms',
    ours: 'process start with `@keywrap/provider-kms` constructed, no call made',
    reference: 'bare `node -e 0`',
    target: { more: 40 },
    measure: () => startOf('import-kms'),
  },
];
