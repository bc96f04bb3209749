import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { readContents } from '../changes.js';
import { Expectation } from '../expectation.js';
import { readJournal } from '../journal.js';
import { protection } from '../protection.js';
import type { KillReport } from './report.js';
import { WorkerProcess } from './worker-process.js';

/** A store that generations of workers change, and its responses to them. */
export class StoreUnderTest {
  readonly location: string;
  readonly #settle: () => Promise<void>;
  readonly #journals = mkdtempSync(path.join(tmpdir(), 'keywrap-journals-'));
  readonly #expectations = new Map<string, Expectation>();
  #isMade = false;
  #run = 0;

  /**
   * @param location The location of a store, which need not exist yet.
   * @param settle Waits until nothing works for dead workers: a server may still commit what
   * they asked for last.
   */
  constructor(location: string, settle = async () => {}) {
    this.location = location;
    this.#settle = settle;
  }

  /** Starts this number of workers. */
  start(workers: number): WorkerProcess[] {
    const run = this.#run++;
    return Array.from({ length: workers }, (_, index) => {
      const name = `w${index}`;
      const journal = path.join(this.#journals, `${name}-${run}`);
      return new WorkerProcess({ location: this.location, journal, name, run });
    });
  }

  /** After the workers are dead: checks that the store has every acknowledged change, and none in part. */
  async look(report: KillReport, workers: readonly WorkerProcess[]): Promise<void> {
    await this.#settle();
    for (const { name, journal } of workers) {
      const lines = existsSync(journal) ? readJournal(readFileSync(journal, 'utf8')) : [];
      const expectation = this.#expectations.get(name) ?? new Expectation();
      this.#expectations.set(name, expectation);
      expectation.add(lines);
      if (lines.length > 0) this.#isMade = true;
      for (const line of lines) {
        if (!('failed' in line)) continue;
        report.rejected.set(line.code, (report.rejected.get(line.code) ?? 0) + 1);
      }
    }
    try {
      // A store that was not acknowledged need not exist; if it does, it is complete.
      if (!this.#isMade && !(await SqlKeyStore.isAt(this.location))) return;
      report.lost.push(...(await problemsOf(this.location, this.#expectations)));
    } catch (error) {
      report.lost.push(`the store: ${error}`);
    }
  }

  /** Adds the final contents to the report. */
  close(report: KillReport): void {
    for (const { size } of this.#expectations.values()) {
      report.held.keys += size.keys;
      report.held.aliases += size.aliases;
    }
    rmSync(this.#journals, { recursive: true, force: true });
  }
}

/** Opens a store, checks every row, and compares its contents with its responses to the workers. */
export async function problemsOf(
  location: string,
  expectations: ReadonlyMap<string, Expectation>,
): Promise<string[]> {
  await using store = await SqlKeyStore.open({ location, protectedBy: protection() });
  const { damaged } = await store.verify();
  const problems = damaged.map((error) => error.message);
  for (const [name, expectation] of expectations) {
    problems.push(...expectation.problems(await readContents(store, name)));
  }
  return problems;
}
