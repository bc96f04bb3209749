/** What came of kills. */
export interface KillReport {
  kills: number;
  /** What was acknowledged and is not there any more, or is there by half. */
  readonly lost: string[];
  /** What was acknowledged, in all stores together, and was there after the last kill. */
  readonly held: { keys: number; aliases: number };
  /** How many changes were rejected, by code. */
  readonly rejected: Map<string, number>;
}

export function newReport(): KillReport {
  return { kills: 0, lost: [], held: { keys: 0, aliases: 0 }, rejected: new Map() };
}
