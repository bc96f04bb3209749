import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { readContents } from '../changes.js';
import { Expectation } from '../expectation.js';
import { readJournal } from '../journal.js';
import { protection } from '../protection.js';
import type { WorkerOptions } from '../worker.js';
import type { PowerPlan } from './power-cuts.js';

const WORKER = fileURLToPath(new URL('../worker.js', import.meta.url));

/** Workers, so many at once, that make a key store and so many changes each. */
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
      const workers = names.map((name) => {
        const expectation = new Expectation();
        const lines = readJournal(read(`journal-${name}`));
        expectation.add(lines);
        return { name, expectation, isReady: lines.length > 0 };
      });
      const location = path.join(folder, 'keys.db');
      // A store that nobody was told of need not be there; what is there is whole.
      const isKnown = workers.some(({ isReady }) => isReady);
      if (!isKnown && !(await SqlKeyStore.isAt(location))) return [];
      try {
        return await problemsOf(location, workers);
      } catch (error) {
        return [`the store: ${error}`];
      }
    },
  };
}

/** Opens the store, checks every row, and compares what it holds with what the workers were told. */
export async function problemsOf(
  location: string,
  workers: readonly { readonly name: string; readonly expectation: Expectation }[],
): Promise<string[]> {
  await using store = await SqlKeyStore.open({ location, protectedBy: protection() });
  const { damaged } = await store.verify();
  const problems = damaged.map((error) => error.message);
  for (const { name, expectation } of workers) {
    problems.push(...expectation.problems(await readContents(store, name)));
  }
  return problems;
}
