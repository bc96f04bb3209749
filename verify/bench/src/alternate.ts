import { Bench } from 'tinybench';
import type { Rounds } from './benchmark.js';

/** The number of rounds of a benchmark. Odd, so that the median is one of them. */
export const ROUNDS = 9;

/** The functions to time. */
export interface Timing {
  readonly ours: () => unknown;
  readonly reference: () => unknown;
  /** The number of calls timed together, enough to make the cost of the clock negligible. */
  readonly batch: number;
  /** The time for each side of a round, in milliseconds. */
  readonly time?: number;
  readonly unit: 'µs' | 'ms';
}

/**
 * Times both sides in alternating rounds, the first of which only warms up. Each call is awaited, on
 * both sides. A side's figure in a round is the median of its samples: what else the machine does for a
 * moment does not count.
 */
export async function timeAlternately(timing: Timing): Promise<Rounds> {
  const rounds = { ours: [] as number[], reference: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    const sides =
      round % 2 === 0 ? (['ours', 'reference'] as const) : (['reference', 'ours'] as const);
    for (const side of sides) {
      const value = await time(timing[side], timing);
      if (round > 0) rounds[side].push(value);
    }
  }
  return rounds;
}

async function time(call: () => unknown, { batch, time = 300, unit }: Timing): Promise<number> {
  const bench = new Bench({ time, iterations: 5, warmup: false, throws: true });
  bench.add('side', async () => {
    for (let i = 0; i < batch; i++) await call();
  });
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error('the benchmark did not complete');
  const milliseconds = task.result.latency.p50 / batch;
  return unit === 'ms' ? milliseconds : milliseconds * 1000;
}
