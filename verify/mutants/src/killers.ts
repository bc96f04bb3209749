import { readFileSync, writeFileSync } from 'node:fs';
import { conformanceCases } from '@keywrap/testkit';
import type { Kill, Verdict } from './judge.js';
import type { BlindKill, BlindVerdict } from './judge-blind.js';

/**
 * Which cases catch which mutant, so that a proof runs these alone. It is no evidence itself: every proof runs the cases,
 * and looks for others where one does not catch its mutant.
 */
export interface Killers {
  /** For each of the own mutants, cases of its rule; together, every case that must earn its place. */
  readonly own: Readonly<Record<string, readonly string[]>>;
  /** For each that was written blind, a case and its profile; null where none is known in any profile up to full. */
  readonly blind: Readonly<Record<string, BlindKill | null>>;
}

const FILE = new URL('../killers.json', import.meta.url);

export function readKillers(): Killers {
  const { own, blind } = JSON.parse(readFileSync(FILE, 'utf8'));
  const lists = Object.entries(own as Record<string, string>).map(
    ([name, ids]) => [name, ids.split(' ')] as const,
  );
  return { own: Object.fromEntries(lists), blind };
}

/** Writes one line for each mutant. */
export function writeKillers({ own, blind }: Killers): void {
  const lines = Object.entries(own).map(([name, ids]) => [name, ids.join(' ')] as const);
  const table = { own: Object.fromEntries(lines), blind };
  writeFileSync(FILE, `${JSON.stringify(table, null, 2)}\n`);
}

/** Keeps what is still true of the old table, and adds the quickest case for what is missing in it. */
export function renewed(
  old: Killers,
  verdicts: readonly Verdict[],
  blind: readonly BlindVerdict[],
): Killers {
  const own = new Map<string, string[]>();
  const earned = new Set<string>();
  const add = (name: string, id: string) => {
    own.set(name, [...(own.get(name) ?? []), id]);
    earned.add(id);
  };
  for (const { name, caughtBy } of verdicts) {
    for (const id of old.own[name] ?? []) {
      if (caughtBy.some((kill) => kill.id === id)) add(name, id);
    }
  }
  for (const { name, caughtBy } of verdicts) {
    if (!own.has(name) && caughtBy.length > 0) add(name, quickest(caughtBy).id);
  }
  for (const { id } of conformanceCases) {
    if (earned.has(id)) continue;
    const kills = verdicts.flatMap(({ name, caughtBy }) =>
      caughtBy.filter((kill) => kill.id === id).map((kill) => ({ ...kill, name })),
    );
    if (kills.length > 0) add(quickest(kills).name, id);
  }
  const judged = blind.map(({ name, caughtBy }) => [name, caughtBy ?? null] as const);
  return { own: Object.fromEntries(own), blind: { ...old.blind, ...Object.fromEntries(judged) } };
}

function quickest<T extends Kill>(kills: readonly T[]): T {
  return kills.reduce((one, other) => (other.durationMs < one.durationMs ? other : one));
}
