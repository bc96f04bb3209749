import { PROFILES, type Profile, runConformance } from '@keywrap/testkit';
import type { BlindMutant } from './blind/index.js';
import { SEED } from './judge.js';
import { withoutAnswers } from './originals.js';

/** Whether the suite caught a mutant whose author had not read it. */
export interface BlindVerdict {
  readonly name: string;
  readonly set: BlindMutant['set'];
  readonly why: string;
  /** A required case that failed, and in which profile; undefined for a survivor. */
  readonly caughtBy?: BlindKill | undefined;
}

/** A case and the profile in which it ran: `RAN-801 full`. */
export type BlindKill = `${string} ${Profile}`;

/** What all of them show about the suite. */
export interface BlindProof {
  readonly survivors: readonly BlindVerdict[];
  readonly total: number;
}

/** Long enough for a machine under load, because a mutant that is only slow is not caught. */
const HANGS_AFTER_MS = 2000;

/**
 * Runs the case that is known to catch a mutant. If it does not, or none is known, runs the cases of one profile after
 * the other, up to the first required one that fails.
 *
 * @param known Null for one that no case caught: it is a survivor, and nothing runs.
 * @param isForTable Looks for a case that catches it alone, which is all that the next proof runs.
 */
export async function judgeBlind(
  mutant: BlindMutant,
  largest: Profile,
  known?: BlindKill | null,
  isForTable = false,
): Promise<BlindVerdict> {
  const { name, set, why } = mutant;
  if (known === null) return { name, set, why };
  if (known !== undefined) {
    const [id, profile] = known.split(' ') as [string, Profile];
    const [caughtBy] = await killsBy(mutant, profile, [id]).catch(() => []);
    if (caughtBy !== undefined) return { name, set, why, caughtBy };
  }
  for (const profile of PROFILES.slice(0, PROFILES.indexOf(largest) + 1)) {
    const caughtBy = isForTable
      ? await killAlone(mutant, profile)
      : (await killsBy(mutant, profile))[0];
    if (caughtBy !== undefined) return { name, set, why, caughtBy };
  }
  return { name, set, why };
}

/** A mutant that counts its calls may be caught by a case only because others ran before it. */
async function killAlone(mutant: BlindMutant, profile: Profile): Promise<BlindKill | undefined> {
  const kills = await killsBy(mutant, profile, undefined, false);
  for (const kill of kills) {
    const [id] = kill.split(' ') as [string];
    if ((await killsBy(mutant, profile, [id])).length > 0) return kill;
  }
  return kills[0];
}

/** The required cases that fail, the quickest first; with `bail` only the first one. */
async function killsBy(
  { name, hangs, open }: BlindMutant,
  profile: Profile,
  only?: readonly string[],
  bail = true,
): Promise<BlindKill[]> {
  const harness = { name, open: async () => withoutAnswers(open()) };
  const timeoutMs = hangs ? HANGS_AFTER_MS : undefined;
  const { results } = await runConformance(harness, { profile, only, bail, seed: SEED, timeoutMs });
  return results
    .filter(({ level, status }) => level === 'must' && status === 'failed')
    .sort((a, b) => a.durationMs - b.durationMs)
    .map(({ id }): BlindKill => `${id} ${profile}`);
}
