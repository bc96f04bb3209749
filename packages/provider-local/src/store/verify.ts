import type { Database, Row, Script } from './dialect.js';
import { DamagedStoreError } from './errors.js';
import { RowSet } from './row-set.js';
import {
  ALIAS_RECORDS,
  KEY_RECORDS,
  type RecordTable,
  type Rows,
  type StoreState,
} from './rows.js';
import { selectPage, selectStore } from './schema.js';

/** Receives the progress of a long check: the number of rows done, and of all rows. */
export type OnProgress = (done: number, total: number) => void;

/** The result of {@link verifyRows}. */
export interface StoreReport {
  /**
   * The number of changes ever made to the store. It never decreases, unless an old copy is put back.
   */
  readonly generation: number;
  readonly keys: number;
  readonly aliases: number;
  /** The problems found. */
  readonly damaged: readonly DamagedStoreError[];
}

const PAGE = 200;
/**
 * The number of restarts because the store has changed, before the check reads everything in one transaction.
 */
const ATTEMPTS = 3;

/**
 * Opens every row, and compares the set hash with that in the store's row.
 *
 * It reads page by page in short transactions, as a long one keeps SQLite from resetting its WAL
 * (sqlite.org/wal.html, "Avoiding Excessively Large WAL Files"), and restarts after a change in between.
 * If changes are too frequent for that, it reads all rows in one transaction, which with SQLite blocks the
 * thread.
 */
export async function verifyRows(
  database: Database,
  rows: Rows,
  onProgress: OnProgress = () => {},
): Promise<StoreReport> {
  const report = await verifySet(database, rows, onProgress);
  try {
    await database.checkIndexes();
    return report;
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    return { ...report, damaged: [...report.damaged, error] };
  }
}

async function verifySet(
  database: Database,
  rows: Rows,
  onProgress: OnProgress,
): Promise<StoreReport> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const check = new Check(database.location, rows);
    for (;;) {
      const state = await database.read(() => check.nextPage());
      if (state === 'changed') break;
      onProgress(check.done, check.total);
      if (state === 'done') return check.report();
    }
  }
  const check = new Check(database.location, rows);
  await database.read(function* () {
    while ((yield* check.nextPage()) === 'more');
  });
  onProgress(check.done, check.total);
  return check.report();
}

/** One pass over the rows of a store. */
class Check {
  readonly #location: string;
  readonly #rows: Rows;
  readonly #found = new RowSet();
  readonly #damaged: DamagedStoreError[] = [];
  #state: StoreState | undefined;
  #table: RecordTable<never> = KEY_RECORDS as RecordTable<never>;
  #after = '';

  constructor(location: string, rows: Rows) {
    this.#location = location;
    this.#rows = rows;
  }

  /** The number of rows checked. */
  get done(): number {
    return this.#found.keys + this.#found.aliases;
  }

  /** The expected number of rows. */
  get total(): number {
    return this.#state === undefined ? 0 : this.#state.set.keys + this.#state.set.aliases;
  }

  /** @returns `changed` if the generation of the store is not that of the first page. */
  *nextPage(): Script<'more' | 'done' | 'changed'> {
    const page = selectPage(this.#table, [this.#after, '\u{10ffff}', PAGE]);
    const [store, found = []] = yield [selectStore(), page];
    const state = this.#rows.openStore(store);
    this.#state ??= state;
    if (this.#state.generation !== state.generation) return 'changed';
    for (const row of found) this.#check(row);
    if (found.length === PAGE) {
      this.#after = String(found.at(-1)?.arn);
      return 'more';
    }
    if (this.#table.name === 'aliases') return 'done';
    this.#table = ALIAS_RECORDS as RecordTable<never>;
    this.#after = '';
    return 'more';
  }

  report(): StoreReport {
    const { generation, set } = this.#state as StoreState;
    const { keys, aliases, sum } = this.#found;
    const damaged = [...this.#damaged];
    if (keys !== set.keys || aliases !== set.aliases || (damaged.length === 0 && sum !== set.sum)) {
      damaged.push(
        new DamagedStoreError(
          this.#location,
          `is damaged: rows were removed, added or replaced by old copies (${keys} keys and ${aliases} aliases are there, ${set.keys} and ${set.aliases} were written)`,
        ),
      );
    }
    return { generation, keys, aliases, damaged };
  }

  #check(unread: Row): void {
    const table = this.#table;
    let hash = 0n;
    try {
      const row = this.#rows.read(table, unread);
      hash = this.#rows.hash(table, row);
      table.release(this.#rows.open(table, row), undefined);
    } catch (error) {
      if (!(error instanceof DamagedStoreError)) throw error;
      this.#damaged.push(error);
    }
    this.#found.add(table, hash);
  }
}
