import { openSync, readFileSync, writeSync } from 'node:fs';

/** Something that a worker does to the store. A key belongs to one worker, which alone changes it. */
export type Step =
  | { readonly do: 'create' | 'create-external'; readonly alias: string }
  | {
      readonly do: 'enable' | 'disable' | 'rotate' | 'delete' | 'cancel' | 'import';
      readonly id: string;
    }
  | {
      readonly do: 'add-alias' | 'remove-alias' | 'move-alias';
      readonly id: string;
      readonly alias: string;
    }
  | { readonly do: 'encrypt'; readonly id: string; readonly plaintext: string };

/** What a step gave: the id of a new key, a ciphertext in base64. */
export interface Outcome {
  readonly id?: string;
  readonly ciphertext?: string;
}

/** A line of the journal: a step that begins, or that was acknowledged. */
export type Line =
  | { readonly begin: Step }
  | ({ readonly done: Step } & Outcome)
  | { readonly failed: Step; readonly code: string }
  | { readonly ready: true };

/**
 * What a worker has been told by the store. Each line is one write(2), which is over before the next
 * step begins: what was written when the process is killed stays written.
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

/** Reads what a worker wrote; a last line that was cut short was not written. */
export function readJournal(path: string): Line[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Line);
}
