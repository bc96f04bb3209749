import { type AliasRecord, aliasArnOf, arnOf, type KeyRecord, targetOf } from '../keys/record.js';
import type { ChangeNames, Transaction } from '../keys/store.js';
import type { StoredRow } from './rows.js';

/** A row that was read for a change, with its record. */
export interface Loaded<Content> {
  readonly row: StoredRow;
  readonly record: Content;
}

/** A change to one row: it is written, or removed if `record` is undefined. */
export interface RowChange<Content> {
  readonly arn: string;
  readonly before: StoredRow | undefined;
  readonly record: Content | undefined;
  /** The row that is written, once it is sealed. */
  after: StoredRow | undefined;
}

/** Records what the body of a change does to the rows that were read for it. */
export class ChangeSet implements Transaction {
  readonly #ids: ReadonlySet<string>;
  readonly #keys: RowChanges<KeyRecord>;
  readonly #aliases: RowChanges<AliasRecord>;

  constructor(
    names: ChangeNames,
    keys: readonly Loaded<KeyRecord>[],
    aliases: readonly Loaded<AliasRecord>[],
  ) {
    this.#ids = new Set(names.ids);
    this.#keys = new RowChanges(names.keys, keys);
    this.#aliases = new RowChanges(names.aliases, aliases);
  }

  get keys(): readonly RowChange<KeyRecord>[] {
    return this.#keys.changes();
  }

  get aliases(): readonly RowChange<AliasRecord>[] {
    return this.#aliases.changes();
  }

  key(arn: string): KeyRecord | undefined {
    return this.#keys.get(arn);
  }

  alias(arn: string): AliasRecord | undefined {
    return this.#aliases.get(arn);
  }

  aliasesOf(keyArn: string): readonly AliasRecord[] {
    this.#keys.assertNamed(keyArn);
    return this.#aliases
      .present()
      .filter((alias) => targetOf(alias) === keyArn)
      .sort((a, b) => (a.alias < b.alias ? -1 : 1));
  }

  keysWithId(id: string): readonly KeyRecord[] {
    if (!this.#ids.has(id)) throw notNamed(id);
    return this.#keys.present().filter((key) => key.id === id);
  }

  putKey(record: KeyRecord): void {
    this.#keys.set(arnOf(record), record);
  }

  removeKey(arn: string): void {
    for (const alias of this.aliasesOf(arn)) this.removeAlias(aliasArnOf(alias));
    this.#keys.set(arn, undefined);
  }

  putAlias(record: AliasRecord): void {
    this.#aliases.set(aliasArnOf(record), record);
  }

  removeAlias(arn: string): void {
    this.#aliases.set(arn, undefined);
  }
}

function notNamed(name: string): Error {
  return new Error(`the change did not name ${name}`);
}

/** The rows of one table, before and after the change. */
class RowChanges<Content> {
  readonly #before = new Map<string, Loaded<Content> | undefined>();
  readonly #after = new Map<string, Content | undefined>();

  constructor(named: readonly string[], loaded: readonly Loaded<Content>[]) {
    for (const arn of named) this.#before.set(arn, undefined);
    for (const one of loaded) this.#before.set(one.row.arn, one);
    for (const [arn, one] of this.#before) this.#after.set(arn, one?.record);
  }

  assertNamed(arn: string): void {
    if (!this.#before.has(arn)) throw notNamed(arn);
  }

  get(arn: string): Content | undefined {
    this.assertNamed(arn);
    return this.#after.get(arn);
  }

  set(arn: string, record: Content | undefined): void {
    this.assertNamed(arn);
    this.#after.set(arn, record);
  }

  present(): Content[] {
    return [...this.#after.values()].filter((record) => record !== undefined);
  }

  changes(): readonly RowChange<Content>[] {
    return [...this.#after].flatMap(([arn, record]) => {
      const before = this.#before.get(arn);
      return before?.record === record
        ? []
        : [{ arn, before: before?.row, record, after: undefined }];
    });
  }
}
