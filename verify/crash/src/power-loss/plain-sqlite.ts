import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { loadSqlite } from '../../../../packages/provider-local/dist/store/dialects/sqlite-binding.js';
import type { PowerPlan } from './power-cuts.js';

const PROGRAM = fileURLToPath(new URL('plain-sqlite-program.js', import.meta.url));

/** How SQLite writes a change to the disk: `journal_mode` and `synchronous`. */
export type SqliteMode = readonly [journal: 'wal' | 'delete', synchronous: 'full' | 'off'];

/**
 * The control: plain SQLite, in a mode for which it is documented whether a power cut loses changes
 * (sqlite.org/pragma.html, "synchronous").
 */
export function plainSqlitePlan(
  mode: SqliteMode,
  changes: number,
): Pick<PowerPlan, 'programs' | 'check'> {
  return {
    programs: (folder) => [[PROGRAM, folder, ...mode, String(changes)]],
    async check(folder, read) {
      const acknowledged = read('journal').length;
      if (acknowledged === 0) return [];
      const { DatabaseSync } = await loadSqlite();
      const file = pathToFileURL(path.join(folder, 'plain.db'));
      const handle = new DatabaseSync(file, { timeout: 0 });
      try {
        const count = Number(handle.prepare('select count(*) as n from rows').get()?.n);
        return count < acknowledged ? [`${acknowledged - count} of ${acknowledged} rows`] : [];
      } catch (error) {
        return [`the database: ${error}`];
      } finally {
        handle.close();
      }
    },
  };
}
