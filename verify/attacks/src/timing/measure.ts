/** An action of one class, to be timed. */
export type Attempts = ReadonlyMap<string, readonly (() => Promise<unknown>)[]>;

/** The time of each, in microseconds. */
export type Timings = ReadonlyMap<string, readonly number[]>;

/**
 * Times attempts that all fail. In random order, so that other work of the machine affects all of them alike.
 *
 * @param attempts By class, several of each, which are taken in turn.
 * @param rounds The number of times that each class is timed.
 */
export async function measure(attempts: Attempts, rounds: number): Promise<Timings> {
  const timings = new Map([...attempts.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, ways] of shuffled([...attempts])) {
      const way = ways[round % ways.length] as () => Promise<unknown>;
      const began = process.hrtime.bigint();
      const hasFailed = await way().then(
        () => false,
        () => true,
      );
      const took = process.hrtime.bigint() - began;
      if (!hasFailed) throw new Error(`${name}: it was to fail`);
      timings.get(name)?.push(Number(took) / 1000);
    }
  }
  return timings;
}

/** Fisher and Yates. Not for secrets, so Math.random will do. */
function shuffled<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items;
}
