import type { Row } from './dialect.js';
import type { RecordTable, Rows } from './rows.js';
import type { StoredRow } from './schema.js';

/** A record that was read or written. */
interface Cached<Content> {
  readonly record: Content;
  readonly row: StoredRow;
  /** The `version()` of the database at which it was current. */
  asOf: number | undefined;
  /** Set when it is used; cleared when it is passed over for eviction. */
  isUsed: boolean;
}

/** A record that was evicted. A call may be using it, and the engine may have its keys loaded. */
interface Evicted<Content> {
  readonly record: () => Content | undefined;
  readonly version: number;
}

/**
 * Caches the most recently used records of one table, up to a limit. The oldest is evicted unless it was used
 * meanwhile; then it gets a second chance. (Moving a record to the end of the map at every use costs 7 us at
 * 2,000 records: V8 walks past all deleted entries.)
 */
export class RowCache<Content> {
  readonly table: RecordTable<Content>;
  readonly #rows: Rows;
  readonly #limit: number;
  readonly #cached = new Map<string, Cached<Content>>();
  readonly #evicted = new Map<string, Evicted<Content>>();
  /** The number of evicted records at which those that nothing uses are forgotten. */
  #most: number;

  /** @param limit The number of records to keep. */
  constructor(table: RecordTable<Content>, rows: Rows, limit: number) {
    this.table = table;
    this.#rows = rows;
    this.#limit = limit;
    this.#most = limit;
  }

  /** Returns the record if it was current at this version of the database. */
  current(arn: string, asOf: number | undefined): Content | undefined {
    const cached = this.#cached.get(arn);
    if (cached === undefined || asOf === undefined || cached.asOf !== asOf) return undefined;
    cached.isUsed = true;
    return cached.record;
  }

  /**
   * Returns the record of a row that was just read: from memory if the row is the same.
   *
   * @throws `DamagedStoreError`
   */
  recordOf(unread: Row, asOf: number | undefined): { row: StoredRow; record: Content } {
    const row = this.#rows.read(this.table, unread);
    const cached = this.#cached.get(row.arn);
    if (cached !== undefined && isSame(cached.row, row)) {
      cached.asOf = asOf;
      return { row, record: cached.record };
    }
    const evicted = this.#evicted.get(row.arn);
    const before = cached?.record ?? evicted?.record();
    const record = this.table.keep(this.#rows.open(this.table, row), before);
    // Reads may end in another order than they began.
    if ((cached?.row.version ?? evicted?.version ?? 0) <= row.version) this.put(row, record, asOf);
    return { row, record };
  }

  /** Takes a record that was read or written. It replaces, and releases, the one before it. */
  put(row: StoredRow, record: Content, asOf: number | undefined): void {
    const { arn } = row;
    const cached = this.#cached.get(arn);
    if (cached !== undefined) this.table.release(cached.record, record);
    else {
      this.#releaseEvicted(arn, record);
      if (this.#cached.size >= this.#limit) this.#makeRoom();
    }
    this.#cached.set(arn, { record, row, asOf, isUsed: false });
  }

  /** Forgets and releases a record that no longer exists as of a generation of the store. */
  remove(arn: string, generation: number): void {
    const cached = this.#cached.get(arn);
    const version = cached?.row.version ?? this.#evicted.get(arn)?.version;
    if (version === undefined || version > generation) return;
    this.#releaseEvicted(arn, undefined);
    this.#cached.delete(arn);
    if (cached !== undefined) this.table.release(cached.record, undefined);
  }

  clear(): void {
    const arns = [...this.#cached.keys(), ...this.#evicted.keys()];
    for (const arn of arns) this.remove(arn, Number.POSITIVE_INFINITY);
  }

  #releaseEvicted(arn: string, next: Content | undefined): void {
    const record = this.#evicted.get(arn)?.record();
    this.#evicted.delete(arn);
    if (record !== undefined) this.table.release(record, next);
  }

  /** Evicts a record without releasing it: a call may be using it. */
  #makeRoom(): void {
    for (const [arn, cached] of this.#cached) {
      this.#cached.delete(arn);
      if (!cached.isUsed) {
        const record = this.table.weakly(cached.record);
        this.#evicted.set(arn, { record, version: cached.row.version });
        if (this.#evicted.size >= this.#most) this.#forgetUnused();
        return;
      }
      cached.isUsed = false;
      this.#cached.set(arn, cached);
    }
  }

  #forgetUnused(): void {
    for (const [arn, { record }] of this.#evicted) {
      if (record() === undefined) this.#evicted.delete(arn);
    }
    this.#most = 2 * this.#evicted.size + this.#limit;
  }
}

function isSame(one: StoredRow, other: StoredRow): boolean {
  return (
    one.version === other.version &&
    one.reference === other.reference &&
    Buffer.compare(one.sealed, other.sealed) === 0
  );
}
