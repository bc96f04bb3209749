/** The result of kills. */
export interface KillReport {
  kills: number;
  /** Acknowledged changes that are lost or partial. */
  readonly lost: string[];
  /** The number of acknowledged changes, over all stores, found after the last kill. */
  readonly held: { keys: number; aliases: number };
  /** The number of rejected changes, by code. */
  readonly rejected: Map<string, number>;
}

export function newReport(): KillReport {
  return { kills: 0, lost: [], held: { keys: 0, aliases: 0 }, rejected: new Map() };
}
