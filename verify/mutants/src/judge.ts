import { conformanceCases, runConformance } from '@keywrap/testkit';
import type { Mutant } from './mutant.js';

/** Which cases of the rule that it breaks caught a mutant. */
export interface Verdict {
  readonly name: string;
  readonly breaks: string;
  readonly caughtBy: readonly Kill[];
}

/** A case that failed, and how long it took. */
export interface Kill {
  readonly id: string;
  readonly durationMs: number;
}

/** What all mutants together show about the suite. */
export interface Proof {
  readonly survivors: readonly Verdict[];
  /** The `must` cases that caught nothing. */
  readonly idle: readonly string[];
  readonly must: number;
}

/** The same random input each time: a proof does not depend on luck. */
export const SEED = 20_260_101;

/**
 * Runs cases of the rule that a mutant breaks: what others find out about it proves nothing.
 *
 * @param known The cases that catch it, as far as that is known; by default all cases of the rule run. If one of them
 * does not catch it, all run.
 */
export async function judgeMutant(mutant: Mutant, known: readonly string[] = []): Promise<Verdict> {
  const { name, breaks, profile = 'full' } = mutant;
  const ofRule = conformanceCases
    .filter((each) => each.rule.id === breaks && (profile === 'soak' || each.profile !== 'soak'))
    .map(({ id }) => id);
  const isCurrent = known.length > 0 && known.every((id) => ofRule.includes(id));
  if (isCurrent) {
    const caughtBy = await killsBy(mutant, known);
    if (caughtBy.length === known.length) return { name, breaks, caughtBy };
  }
  return { name, breaks, caughtBy: await killsBy(mutant, ofRule) };
}

async function killsBy(mutant: Mutant, only: readonly string[]): Promise<Kill[]> {
  const { name, timeoutMs, profile = 'full', open } = mutant;
  const harness = { name, open: async () => open() };
  const { results } = await runConformance(harness, { only, profile, timeoutMs, seed: SEED });
  return results
    .filter(({ status }) => status === 'failed')
    .map(({ id, durationMs }) => ({ id, durationMs }));
}

/** Every mutant must be caught, and every `must` case must catch one. */
export function prove(verdicts: readonly Verdict[]): Proof {
  const earned = new Set(verdicts.flatMap(({ caughtBy }) => caughtBy.map(({ id }) => id)));
  const must = conformanceCases.filter(({ level }) => level === 'must').map(({ id }) => id);
  return {
    survivors: verdicts.filter(({ caughtBy }) => caughtBy.length === 0),
    idle: must.filter((id) => !earned.has(id)),
    must: must.length,
  };
}
