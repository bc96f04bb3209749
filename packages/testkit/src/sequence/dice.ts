/** Draws numbers from a seed, so that a run can be repeated: the platform's random source takes none. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns an integer from 0 to below the bound (mulberry32, which is good enough to choose calls). */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  /** Returns true once in so many draws. */
  once(draws: number): boolean {
    return this.below(draws) === 0;
  }

  pick<T>(all: readonly T[]): T {
    if (all.length === 0) throw new Error('there is nothing to pick from');
    return all[this.below(all.length)] as T;
  }
}
