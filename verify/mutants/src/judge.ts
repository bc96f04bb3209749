import { conformanceCases, runConformance } from '@keywrap/testkit';
import type { Mutant } from './mutant.js';

/** Which cases of the rule that it breaks caught a mutant. */
export interface Verdict {
  readonly name: string;
  readonly breaks: string;
  readonly caughtBy: readonly string[];
}

/** What all mutants together show about the suite. */
export interface Proof {
  readonly survivors: readonly Verdict[];
  /** The `must` cases that caught nothing. */
  readonly idle: readonly string[];
  readonly must: number;
}

/** The same random input each time: a proof does not depend on luck. */
const SEED = 20_260_101;

/** Runs the cases of the rule that a mutant breaks: what others find out about it proves nothing. */
export async function judgeMutant(mutant: Mutant): Promise<Verdict> {
  const { name, breaks, timeoutMs, profile = 'full', open } = mutant;
  const only = conformanceCases
    .filter((each) => each.rule.id === breaks && (profile === 'soak' || each.profile !== 'soak'))
    .map(({ id }) => id);
  const harness = { name, open: async () => open() };
  const { results } = await runConformance(harness, { only, profile, timeoutMs, seed: SEED });
  const failed = results.filter(({ status }) => status === 'failed');
  return { name, breaks, caughtBy: failed.map(({ id }) => id) };
}

/** Every mutant must be caught, and every `must` case must catch one. */
export function prove(verdicts: readonly Verdict[]): Proof {
  const earned = new Set(verdicts.flatMap(({ caughtBy }) => caughtBy));
  const must = conformanceCases.filter(({ level }) => level === 'must').map(({ id }) => id);
  return {
    survivors: verdicts.filter(({ caughtBy }) => caughtBy.length === 0),
    idle: must.filter((id) => !earned.has(id)),
    must: must.length,
  };
}
