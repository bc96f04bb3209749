import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { Coverage } from './coverage.js';
import { inputs } from './mutation.js';
import type { FuzzTarget, OpenTarget } from './target.js';

/** The number of inputs between readings of the coverage, which take 2 ms. */
const BATCH = 32;

/** The result of fuzzing one target. */
export interface FuzzResult {
  readonly inputs: number;
  readonly seconds: number;
  /** The inputs that reached new code, including the seeds; later inputs were built from them. */
  readonly pool: number;
  /** The functions of the packages that were run. */
  readonly functions: number;
}

/** Options of {@link fuzz}. */
export interface FuzzRun {
  /** The same seed produces the same inputs, as long as the same ones reach new code. */
  readonly seed: number;
  /** Asked before each batch. */
  readonly goOn: () => boolean;
  /** Called with each input before the target is. */
  readonly onInput: (input: Uint8Array) => void;
}

/**
 * Runs a target on inputs built from its seeds, and from those that reached code which none had reached
 * before. Rejects with what the target throws.
 */
export async function fuzz(
  { words, mutation }: FuzzTarget,
  { seeds, run: runTarget }: OpenTarget,
  coverage: Coverage,
  { seed, goOn, onInput }: FuzzRun,
): Promise<FuzzResult> {
  const started = performance.now();
  let count = 0;
  const run = async (input: Uint8Array) => {
    onInput(input);
    count += 1;
    await runTarget(input);
    // One turn of the event loop: unhandled rejections are thrown now, not later.
    await setImmediate();
  };
  const pool = [...seeds];
  const arbitrary = inputs(pool, words, mutation);
  for (const input of seeds) await run(input);
  coverage.hasNew(coverage.take(), true);
  for (let batch = 0; goOn(); batch++) {
    const samples = fc.sample(arbitrary, { seed: (seed + batch) | 0, numRuns: BATCH });
    for (const input of samples) await run(input);
    if (!coverage.hasNew(coverage.take(), false)) continue;
    // Again, one by one, to find the input that failed.
    for (const input of samples) {
      await run(input);
      if (coverage.hasNew(coverage.take(), true)) pool.push(input);
    }
  }
  const seconds = (performance.now() - started) / 1000;
  return { inputs: count, seconds, pool: pool.length, functions: coverage.functions };
}
