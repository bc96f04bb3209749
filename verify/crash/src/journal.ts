import { openSync, writeSync } from 'node:fs';
import type { Change } from './changes.js';

/** A line of a journal: a change that a worker began, or the response of the store. */
export type Line =
  | { readonly ready: true }
  | { readonly begin: Change }
  | { readonly done: Change }
  /** The store rejected a change. */
  | { readonly failed: Change; readonly code: string; readonly mayBeMade: boolean }
  /** The contents of the store after a rejected change. */
  | { readonly settled: Change; readonly isMade: boolean };

/**
 * Records the responses of the store to a worker. Each line is one write(2), which ends before the next
 * change begins: what was written when the process is killed stays written.
 */
export class JournalWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** Reads a worker's journal, without a truncated last line. */
export function readJournal(text: string): Line[] {
  const lines = text.split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Line);
}
