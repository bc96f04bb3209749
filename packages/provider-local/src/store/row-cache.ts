/** A record that was read, or written. */
interface Cached<Content> {
  readonly record: Content;
  /** The version of its row. */
  readonly version: number;
  /** The `version()` of the database at which it was current. */
  asOf: number | undefined;
}

/** The records that were used last, up to a limit. */
export class RowCache<Content> {
  readonly #rows = new Map<string, Cached<Content>>();
  readonly #limit: number;
  readonly #release: (record: Content, next: Content | undefined) => void;

  /**
   * @param limit How many records are kept.
   * @param release Called when a record is replaced by `next`, or removed. Not called for one that made
   * room for others: a call may be using it.
   */
  constructor(limit: number, release: (record: Content, next: Content | undefined) => void) {
    this.#limit = limit;
    this.#release = release;
  }

  /** The record, if it was current at this version of the database. */
  current(arn: string, asOf: number | undefined): Content | undefined {
    const cached = this.#rows.get(arn);
    if (cached === undefined || asOf === undefined || cached.asOf !== asOf) return undefined;
    this.#rows.delete(arn);
    this.#rows.set(arn, cached); // the last to make room for others
    return cached.record;
  }

  /** The record, whether it is current or not. */
  any(arn: string): Content | undefined {
    return this.#rows.get(arn)?.record;
  }

  /** The record of a row with this version, which is current now. */
  confirm(arn: string, version: number, asOf: number | undefined): Content | undefined {
    const cached = this.#rows.get(arn);
    if (cached?.version !== version) return undefined;
    cached.asOf = asOf;
    return cached.record;
  }

  put(arn: string, record: Content, version: number, asOf: number | undefined): void {
    const cached = this.#rows.get(arn);
    if (cached !== undefined) this.#release(cached.record, record);
    this.#rows.delete(arn);
    this.#rows.set(arn, { record, version, asOf });
    if (this.#rows.size <= this.#limit) return;
    for (const oldest of this.#rows.keys()) {
      this.#rows.delete(oldest);
      return;
    }
  }

  remove(arn: string): void {
    const cached = this.#rows.get(arn);
    if (cached === undefined) return;
    this.#rows.delete(arn);
    this.#release(cached.record, undefined);
  }

  clear(): void {
    for (const arn of [...this.#rows.keys()]) this.remove(arn);
  }
}
