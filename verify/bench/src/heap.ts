const READINGS = 9;

/**
 * Measures the memory really in use, in MiB, several times, each after a garbage collection. Needs a process that was
 * started with --expose-gc.
 */
export async function readHeap(): Promise<number[]> {
  const readings: number[] = [];
  for (let i = 0; i < READINGS; i++) {
    // Buffers are freed by the next turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    readings.push((heapUsed + external) / 2 ** 20);
  }
  return readings;
}
