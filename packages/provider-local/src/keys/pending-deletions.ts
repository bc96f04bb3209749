import { arnOf, type KeyRecord } from './record.js';

const DAY = 24 * 60 * 60 * 1000;

/**
 * The keys of all scopes that are pending deletion, by day. A key that is never read again would stay in memory
 * after its deletion date.
 */
export class PendingDeletions {
  readonly #byDay = new Map<number, Set<string>>();

  /** Notes a key that is pending deletion. */
  add(key: KeyRecord): void {
    if (key.deletionDate === undefined) return;
    const day = Math.floor(key.deletionDate.getTime() / DAY);
    this.#byDay.set(day, (this.#byDay.get(day) ?? new Set()).add(arnOf(key)));
  }

  /** Returns the ARNs of some keys whose day has passed, and forgets them. */
  takePast(now: Date, limit: number): string[] {
    const today = Math.floor(now.getTime() / DAY);
    const taken: string[] = [];
    for (const [day, arns] of this.#byDay) {
      if (day >= today) continue;
      for (const arn of arns) {
        if (taken.length === limit) return taken;
        arns.delete(arn);
        taken.push(arn);
      }
      this.#byDay.delete(day);
    }
    return taken;
  }
}
