import { PROFILES, type Profile, runConformance } from '@keywrap/testkit';
import { type BlindMutant, openRight } from './blind/index.js';

/** Whether the suite caught a mutant whose author had not read it. */
export interface BlindVerdict {
  readonly name: string;
  readonly set: 'a' | 'b' | 'c';
  readonly why: string;
  /** The first required case that failed; undefined for a survivor. */
  readonly caughtBy?: string | undefined;
}

/** What all of them show about the suite. */
export interface BlindProof {
  readonly survivors: readonly BlindVerdict[];
  readonly total: number;
  /** The required cases that a right provider fails: while there are any, a kill says nothing. */
  readonly falseAlarms: readonly string[];
}

/** The same random input each time: a proof does not depend on luck. */
const SEED = 20_260_101;

/** Long enough for a machine under load, because a mutant that is only slow is not caught. */
const HANGS_AFTER_MS = 2000;

/** Runs the cases of one profile after the other, up to the first required one that fails. */
export async function judgeBlind(mutant: BlindMutant, largest: Profile): Promise<BlindVerdict> {
  const { name, set, why, open } = mutant;
  const timeoutMs = mutant.hangs ? HANGS_AFTER_MS : undefined;
  for (const profile of PROFILES.slice(0, PROFILES.indexOf(largest) + 1)) {
    const harness = { name, open: async () => open() };
    const options = { profile, bail: true, seed: SEED, timeoutMs };
    const { results } = await runConformance(harness, options);
    const caught = results.find(({ level, status }) => level === 'must' && status === 'failed');
    if (caught !== undefined) return { name, set, why, caughtBy: `${caught.id} (${profile})` };
  }
  return { name, set, why };
}

/** Runs all cases of a profile on the provider that the mutants were made from; returns the required ones that fail. */
export async function judgeRight(profile: Profile): Promise<readonly string[]> {
  const harness = { name: 'the right provider', open: async () => openRight() };
  const { results } = await runConformance(harness, { profile, seed: SEED });
  return results
    .filter(({ level, status }) => level === 'must' && status === 'failed')
    .map(({ id, error }) => `${id}: ${error?.actual}`);
}
