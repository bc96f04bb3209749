import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { Expectation } from '../expectation.js';
import { readJournal } from '../journal.js';
import { problemsOf } from '../kills/store-under-test.js';
import type { WorkerOptions } from '../worker.js';
import type { PowerPlan } from './power-cuts.js';

const WORKER = fileURLToPath(new URL('../worker.js', import.meta.url));

/** A plan in which concurrent workers create a key store and make a number of changes each. */
export function storePlan(workers: number, changes: number): Pick<PowerPlan, 'programs' | 'check'> {
  const names = Array.from({ length: workers }, (_, index) => `w${index}`);
  return {
    programs: (folder) =>
      names.map((name, index) => {
        const journal = path.join(folder, `journal-${name}`);
        const location = path.join(folder, 'keys.db');
        const options: WorkerOptions = { location, journal, name, run: 0, changes, seed: index };
        return [WORKER, JSON.stringify(options)];
      }),
    async check(folder, read) {
      const expectations = new Map<string, Expectation>();
      let isMade = false;
      for (const name of names) {
        const lines = readJournal(read(`journal-${name}`));
        const expectation = new Expectation();
        expectation.add(lines);
        expectations.set(name, expectation);
        isMade ||= lines.length > 0;
      }
      const location = path.join(folder, 'keys.db');
      try {
        // A store that was not acknowledged need not exist; if it does, it is complete.
        if (!isMade && !(await SqlKeyStore.isAt(location))) return [];
        return await problemsOf(location, expectations);
      } catch (error) {
        return [`the store: ${error}`];
      }
    },
  };
}
