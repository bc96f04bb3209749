import { after, type Change, type Contents } from './changes.js';
import type { Line } from './journal.js';

/**
 * The expected contents of a store for one worker: every acknowledged change, and all or nothing of the one change whose
 * response never arrived.
 */
export class Expectation {
  #contents: Contents = new Map();
  #open: Change | undefined;
  readonly #broken: string[] = [];

  /** The number of expected lines. */
  get size(): { keys: number; aliases: number } {
    const keys = [...this.#contents.keys()].filter((line) => line.startsWith('key ')).length;
    return { keys, aliases: this.#contents.size - keys };
  }

  /** Continues with the lines that the worker has written since. */
  add(lines: readonly Line[]): void {
    let mayBeMade = true;
    for (const line of lines) {
      if ('begin' in line) this.#open = line.begin;
      if ('done' in line) this.#settle(true);
      if ('failed' in line) mayBeMade = line.mayBeMade;
      if ('settled' in line) {
        if (line.isMade && !mayBeMade) {
          this.#broken.push(`${JSON.stringify(line.settled)} was made, and said to have failed`);
        }
        this.#settle(line.isMade);
      }
    }
  }

  /** Returns the problem with the contents of a store, if any, and expects these contents from then on. */
  problems(found: Contents): string[] {
    const problems = this.#broken.splice(0);
    const isMade = this.#open !== undefined && isEqual(found, after(this.#contents, this.#open));
    if (!isMade) {
      for (const line of new Set([...this.#contents.keys(), ...found.keys()])) {
        const [wanted, is] = [this.#contents.get(line), found.get(line)];
        if (wanted !== is) {
          problems.push(`${line}: ${is ?? 'nothing'} instead of ${wanted ?? 'nothing'}`);
        }
      }
    }
    this.#contents = found;
    this.#open = undefined;
    return problems;
  }

  #settle(isMade: boolean): void {
    if (isMade && this.#open !== undefined) this.#contents = after(this.#contents, this.#open);
    this.#open = undefined;
  }
}

function isEqual(one: Contents, other: Contents): boolean {
  return one.size === other.size && [...one].every(([line, text]) => other.get(line) === text);
}
