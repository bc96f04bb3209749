import { PROFILES, type Profile, runConformance } from '@keywrap/testkit';
import type { BlindMutant } from './blind/index.js';
import { SEED } from './judge.js';
import { withoutAnswers } from './judge-right.js';

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
  /** The required cases that a right provider fails: while there are any, a kill says nothing. */
  readonly falseAlarms: readonly string[];
}

/** Long enough for a machine under load, because a mutant that is only slow is not caught. */
const HANGS_AFTER_MS = 2000;

/**
 * Runs the case that is known to catch a mutant. If it does not, or none is known, runs the cases of one profile after
 * the other, up to the first required one that fails.
 *
 * @param known Null for one that no case caught: it is a survivor, and nothing runs.
 */
export async function judgeBlind(
  mutant: BlindMutant,
  largest: Profile,
  known?: BlindKill | null,
): Promise<BlindVerdict> {
  const { name, set, why } = mutant;
  if (known === null) return { name, set, why };
  if (known !== undefined) {
    const [id, profile] = known.split(' ') as [string, Profile];
    const caughtBy = await firstKill(mutant, profile, [id]).catch(() => undefined);
    if (caughtBy !== undefined) return { name, set, why, caughtBy };
  }
  for (const profile of PROFILES.slice(0, PROFILES.indexOf(largest) + 1)) {
    const caughtBy = await firstKill(mutant, profile);
    if (caughtBy !== undefined) return { name, set, why, caughtBy };
  }
  return { name, set, why };
}

async function firstKill(
  { name, hangs, open }: BlindMutant,
  profile: Profile,
  only?: readonly string[],
): Promise<BlindKill | undefined> {
  const harness = { name, open: async () => withoutAnswers(open()) };
  const timeoutMs = hangs ? HANGS_AFTER_MS : undefined;
  const options = { profile, only, bail: true, seed: SEED, timeoutMs };
  const { results } = await runConformance(harness, options);
  const caught = results.find(({ level, status }) => level === 'must' && status === 'failed');
  return caught && `${caught.id} ${profile}`;
}
