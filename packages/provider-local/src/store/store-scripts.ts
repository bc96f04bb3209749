import type { AliasRecord, KeyRecord } from '../keys/record.js';
import type { ChangeNames, Transaction } from '../keys/store.js';
import { type Change, ChangeSet } from './change-set.js';
import type { Database, Row, Script, Statement } from './dialect.js';
import { DamagedStoreError } from './errors.js';
import { RowCache } from './row-cache.js';
import { ALIAS_RECORDS, KEY_RECORDS, parseStoreRow, type Rows, type StoreState } from './rows.js';
import {
  ALIASES,
  deleteRow,
  KEYS,
  type StoredRow,
  selectAliasesBeside,
  selectAliasesOfId,
  selectByReference,
  selectKeyOfAlias,
  selectRow,
  selectStore,
} from './schema.js';

/** The result of a change, and the action to take once it is durable. */
interface Changed<Result> {
  readonly result: Result;
  committed(): void;
}

/** The ARN or reference that every returned row must have; any where it is undefined. */
interface Asked {
  readonly arn: string | undefined;
  readonly reference: string | undefined;
}

const ANY: Asked = { arn: undefined, reference: undefined };

/** The transactions of a store and their scripts, over its rows and the cached records. */
export class StoreScripts {
  readonly keys: RowCache<KeyRecord>;
  readonly aliases: RowCache<AliasRecord>;
  readonly #database: Database;
  readonly #rows: Rows;
  /** The highest generation seen. A lower one means that an old copy was put back. */
  #generation = 0;
  /** Counts our own changes: a record read before a change is not cached after it. */
  #ownChanges = 0;
  /** The error that every call is rejected with. */
  #failure: Error | undefined;

  constructor(database: Database, rows: Rows, cachedRecords: number) {
    this.#database = database;
    this.#rows = rows;
    this.keys = new RowCache(KEY_RECORDS, rows, cachedRecords);
    this.aliases = new RowCache(ALIAS_RECORDS, rows, cachedRecords);
  }

  /** The number of changes ever made to the store. */
  get generation(): number {
    return this.#generation;
  }

  /** From now on, rejects every call with this error. */
  rejectWith(error: Error): void {
    this.#failure = error;
  }

  assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * @param before The generation seen when the query was sent: results may arrive out of order.
   * @throws {@link DamagedStoreError}, from then on for every call, if the store is older than before.
   */
  sawGeneration(generation: number, before: number): void {
    if (generation < before) {
      this.#failure = new DamagedStoreError(
        this.#database.location,
        `was set back to generation ${generation}, after ${before} had been seen`,
        { advice: 'stop all processes that use it, and find out who put an old copy there' },
      );
      throw this.#failure;
    }
    this.#generation = Math.max(generation, this.#generation);
  }

  /** Returns a cached record if it is current. */
  peek<Content>(cache: RowCache<Content>, arn: string): Content | undefined {
    if (this.#failure !== undefined) return undefined;
    return cache.current(arn, this.#database.version());
  }

  /** Reads the store's row, and checks it. */
  *state(): Script<StoreState> {
    const before = this.#generation;
    const [rows] = yield [selectStore()];
    return this.#openState(rows, before);
  }

  async loadOne<Content>(cache: RowCache<Content>, arn: string): Promise<Content | undefined> {
    const asked = { arn, reference: undefined };
    const [record] = await this.load(cache, selectRow(cache.table, arn), asked);
    return record;
  }

  /** @param asked If it has an ARN, that record is dropped from memory if it does not exist. */
  async load<Content>(
    cache: RowCache<Content>,
    statement: Statement,
    asked: Asked = ANY,
  ): Promise<Content[]> {
    for (;;) {
      this.assertUsable();
      const records = await this.#database.read(() => this.#load(cache, statement, asked));
      if (records !== undefined) return records;
    }
  }

  async change<Result>(
    names: ChangeNames,
    body: (transaction: Transaction) => Result,
  ): Promise<Result> {
    this.assertUsable();
    const script = () => this.#change(names, body);
    const { result } = await this.#database.write(script, ({ committed }) => committed());
    return result;
  }

  /** Replaces the protection of the store's key. */
  async protect(protection: string): Promise<void> {
    await this.#database.write(
      () => this.#protect(protection),
      (committed) => committed(),
    );
  }

  /** @returns Undefined if a change of our own came in between: the records may be older. */
  *#load<Content>(
    cache: RowCache<Content>,
    statement: Statement,
    asked: Asked,
  ): Script<Content[] | undefined> {
    const asOf = this.#database.version();
    const [before, ownChanges] = [this.#generation, this.#ownChanges];
    const [store, found = []] = yield [selectStore(), statement];
    this.assertUsable();
    const generation = this.#generationOf(store, before);
    if (ownChanges !== this.#ownChanges) return undefined;
    if (asked.arn !== undefined && found.length === 0) cache.remove(asked.arn, generation);
    return found.map((unread) => {
      const { row, record } = cache.recordOf(unread, asOf);
      // The seal shows that it is a row of the store, and not that it is this one: an index may have been changed.
      const { arn = row.arn, reference = row.reference } = asked;
      if (row.arn === arn && row.reference === reference) return record;
      throw new DamagedStoreError(
        this.#database.location,
        `is damaged: it returns the row ${JSON.stringify(row.arn)} in ${cache.table.name} for ${JSON.stringify(asked.arn ?? asked.reference)}`,
      );
    });
  }

  *#change<Result>(
    { keys, aliases, ids = [] }: ChangeNames,
    body: (transaction: Transaction) => Result,
  ): Script<Changed<Result>> {
    const [asOf, before] = [this.#database.version(), this.#generation];
    const readKeys = [
      ...keys.map((arn) => selectRow(KEYS, arn)),
      ...aliases.map(selectKeyOfAlias),
      ...ids.map((id) => selectByReference(KEYS, id)),
    ];
    const readAliases = [
      ...aliases.flatMap((arn) => [selectRow(ALIASES, arn), selectAliasesBeside(arn)]),
      ...keys.map((arn) => selectByReference(ALIASES, arn)),
      ...ids.map(selectAliasesOfId),
    ];
    const [store, ...found] = yield [selectStore(), ...readKeys, ...readAliases];
    this.assertUsable();
    const state = this.#openState(store, before);
    const foundKeys = found.slice(0, readKeys.length).flat();
    const foundAliases = found.slice(readKeys.length).flat();
    const rowsBefore = new Map<string, StoredRow>();
    const recordOf = <Content>(cache: RowCache<Content>, unread: Row): Content => {
      const { row, record } = cache.recordOf(unread, asOf);
      rowsBefore.set(row.arn, row);
      return record;
    };
    const set = new ChangeSet(
      { keys, aliases, ids },
      foundKeys.map((row) => recordOf(this.keys, row)),
      foundAliases.map((row) => recordOf(this.aliases, row)),
    );
    const result = body(set);
    const generation = state.generation + 1;
    const statements: Statement[] = [];
    const takeOver: (() => void)[] = [];
    const write = <Content>(cache: RowCache<Content>, { arn, after }: Change<Content>) => {
      const { table } = cache;
      const before = rowsBefore.get(arn);
      if (before !== undefined) state.set.remove(table, this.#rows.hash(table, before));
      if (after === undefined) {
        statements.push(deleteRow(table, arn));
        takeOver.push(() => cache.remove(arn, generation));
        return;
      }
      const row = this.#rows.seal(table, after, generation);
      statements.push(this.#rows.put(table, row, state.set));
      takeOver.push(() => cache.put(row, after, asOf));
    };
    for (const change of set.keys) write(this.keys, change);
    for (const change of set.aliases) write(this.aliases, change);
    if (statements.length === 0) return { result, committed: () => {} };
    yield [...statements, this.#rows.sealStore({ ...state, generation })];
    const committed = () => {
      this.#committed(generation);
      for (const step of takeOver) step();
    };
    return { result, committed };
  }

  *#protect(protection: string): Script<() => void> {
    const state = yield* this.state();
    this.assertUsable();
    const generation = state.generation + 1;
    yield [this.#rows.sealStore({ ...state, generation, protection })];
    return () => this.#committed(generation);
  }

  #committed(generation: number): void {
    this.#ownChanges++;
    this.sawGeneration(generation, this.#generation);
  }

  #openState(rows: readonly Row[] | undefined, before: number): StoreState {
    const state = this.#rows.openStore(rows);
    this.sawGeneration(state.generation, before);
    return state;
  }

  /** As {@link #openState}, but opens a row that says something new only. */
  #generationOf(rows: readonly Row[] | undefined, before: number): number {
    const { generation } = parseStoreRow(this.#database.location, rows);
    return generation === this.#generation ? generation : this.#openState(rows, before).generation;
  }
}
