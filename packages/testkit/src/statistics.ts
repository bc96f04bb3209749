import { latin1Of } from './bytes.js';
import { check } from './expect.js';

// What can be seen of many calls from outside. Each bound is passed by chance less than once in 2^40 runs.

/** Makes many calls, at most 64 at once, and returns their results in order. */
export async function manyOf<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) {
    const first = made.length;
    const size = Math.min(64, count - first);
    made.push(...(await Promise.all(Array.from({ length: size }, (_, i) => make(first + i)))));
  }
  return made;
}

/** Fails the case unless all are different. */
export function expectAllDifferent(all: readonly Uint8Array[], what: string): void {
  const seen = new Map<string, number>();
  for (const [index, bytes] of all.entries()) {
    const earlier = seen.get(latin1Of(bytes));
    check(
      earlier === undefined,
      `${all.length} different ${what}`,
      `number ${index + 1} the same as number ${(earlier ?? 0) + 1}`,
    );
    seen.set(latin1Of(bytes), index);
  }
}

/**
 * Fails the case when a part occurs twice in random bytes, anywhere. Twelve bytes do so among a million by chance once in
 * 2^57, eight among a few thousand once in 2^40.
 *
 * @param seen The parts that were there before.
 */
export function expectNoCommonPart(
  all: readonly Uint8Array[],
  what: string,
  length = 12,
  seen = new Set<string>(),
): void {
  for (const each of all) {
    const text = latin1Of(each);
    for (let i = 0; i + length <= text.length; i++) {
      const part = text.slice(i, i + length);
      check(!seen.has(part), `${what} with no bytes in common`, `${length} bytes that occur twice`);
      seen.add(part);
    }
  }
}

/** Counts one more. */
export function increment(counts: Uint32Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}
