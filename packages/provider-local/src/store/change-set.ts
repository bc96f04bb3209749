import { type AliasRecord, aliasArnOf, arnOf, type KeyRecord, targetOf } from '../keys/record.js';
import type { ChangeNames, Transaction } from '../keys/store.js';

/** A change to one record: `after` is put, or `before` is removed where `after` is undefined. */
export interface Change<Content> {
  readonly arn: string;
  readonly before: Content | undefined;
  readonly after: Content | undefined;
}

/** Records what the body of a change does to the records that were read for it. */
export class ChangeSet implements Transaction {
  readonly #ids: ReadonlySet<string>;
  readonly #keys: Changes<KeyRecord>;
  readonly #aliases: Changes<AliasRecord>;

  constructor(names: ChangeNames, keys: readonly KeyRecord[], aliases: readonly AliasRecord[]) {
    this.#ids = new Set(names.ids);
    // An alias may have lost its key.
    this.#keys = new Changes([...names.keys, ...aliases.map(targetOf)], keys, arnOf);
    this.#aliases = new Changes(names.aliases, aliases, aliasArnOf);
  }

  get keys(): readonly Change<KeyRecord>[] {
    return this.#keys.all();
  }

  get aliases(): readonly Change<AliasRecord>[] {
    return this.#aliases.all();
  }

  key(arn: string): KeyRecord | undefined {
    return this.#keys.get(arn);
  }

  alias(arn: string): AliasRecord | undefined {
    return this.#aliases.get(arn);
  }

  aliasesOf(keyArn: string): readonly AliasRecord[] {
    this.#keys.get(keyArn);
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

/** The records of one table, before and after the change. */
class Changes<Content> {
  readonly #before = new Map<string, Content | undefined>();
  readonly #after: Map<string, Content | undefined>;

  constructor(
    named: readonly string[],
    found: readonly Content[],
    nameOf: (record: Content) => string,
  ) {
    for (const arn of named) this.#before.set(arn, undefined);
    for (const record of found) this.#before.set(nameOf(record), record);
    this.#after = new Map(this.#before);
  }

  get(arn: string): Content | undefined {
    if (!this.#after.has(arn)) throw notNamed(arn);
    return this.#after.get(arn);
  }

  set(arn: string, record: Content | undefined): void {
    this.get(arn);
    this.#after.set(arn, record);
  }

  present(): Content[] {
    return [...this.#after.values()].filter((record) => record !== undefined);
  }

  all(): readonly Change<Content>[] {
    const all = [...this.#after].map(([arn, after]) => {
      return { arn, before: this.#before.get(arn), after };
    });
    return all.filter(({ before, after }) => before !== after);
  }
}
