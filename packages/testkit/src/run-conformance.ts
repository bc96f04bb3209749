import type { ConformanceCase } from './case.js';
import { conformanceCases } from './cases/index.js';
import type { ConformanceHarness } from './harness.js';
import { type ConformanceFailure, Session } from './session.js';

/** The result of one case. */
export interface CaseResult {
  readonly id: string;
  readonly title: string;
  /** The id of the rule that the case checks. */
  readonly rule: string;
  readonly level: 'must' | 'should';
  readonly status: 'passed' | 'failed' | 'not applicable';
  /** Why it is not applicable. */
  readonly reason?: string;
  /** Why it failed. */
  readonly error?: ConformanceFailure;
  readonly durationMs: number;
}

/** The result of a run. */
export interface ConformanceReport {
  /** The name of the harness. */
  readonly provider: string;
  /** The seed of the random cases; pass it to repeat them. */
  readonly seed: number;
  readonly results: readonly CaseResult[];
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
}

/** The options of a run. */
export interface RunOptions {
  /** Runs only the cases with one of these ids or prefixes: `DEC-004`, `CTX-`. */
  readonly only?: readonly string[] | undefined;
  /** Called after each case. */
  readonly onCase?: ((result: CaseResult) => void) | undefined;
  /** The time limit of a case in milliseconds; by default a minute. */
  readonly timeoutMs?: number | undefined;
  /** Repeats the random cases of the run that reported this seed. */
  readonly seed?: number | undefined;
}

/**
 * Runs the conformance suite and reports, without any test runner.
 *
 * @example
 * ```ts
 * import { type ConformanceHarness, formatReport, runConformance } from '@keywrap/testkit';
 *
 * async function judge(harness: ConformanceHarness): Promise<boolean> {
 *   const report = await runConformance(harness);
 *   console.log(formatReport(report));
 *   return report.failed === 0;
 * }
 * ```
 */
export async function runConformance(
  harness: ConformanceHarness,
  { only, onCase, timeoutMs, seed }: RunOptions = {},
): Promise<ConformanceReport> {
  const cases = casesIn(only);
  const session = await Session.open(harness, { timeoutMs, seed });
  const results: CaseResult[] = [];
  try {
    for (const each of cases) {
      const result = await judge(session, each);
      results.push(result);
      onCase?.(result);
    }
  } finally {
    await session.close();
  }
  const count = (status: CaseResult['status']) =>
    results.filter((result) => result.status === status).length;
  return {
    provider: harness.name,
    seed: session.seed,
    results,
    passed: count('passed'),
    failed: count('failed'),
    notApplicable: count('not applicable'),
  };
}

/** Returns the cases that `only` selects, by default all. Rejects a name that matches none. */
export function casesIn(only: readonly string[] | undefined): readonly ConformanceCase[] {
  if (only === undefined) return conformanceCases;
  const fits = (name: string) => (each: ConformanceCase) => name !== '' && each.id.startsWith(name);
  for (const name of only) {
    if (!conformanceCases.some(fits(name))) throw new RangeError(`no conformance case is ${name}`);
  }
  return conformanceCases.filter((each) => only.some((name) => fits(name)(each)));
}

async function judge(session: Session, each: ConformanceCase): Promise<CaseResult> {
  const { id, title, level } = each;
  const start = performance.now();
  const outcome = await outcomeOf(session, each);
  return {
    id,
    title,
    rule: each.rule.id,
    level,
    ...outcome,
    durationMs: performance.now() - start,
  };
}

async function outcomeOf(
  session: Session,
  each: ConformanceCase,
): Promise<Pick<CaseResult, 'status' | 'reason' | 'error'>> {
  const reason = await session.whyNotApplicable(each);
  if (reason !== undefined) return { status: 'not applicable', reason };
  try {
    await session.run(each);
    return { status: 'passed' };
  } catch (error) {
    return { status: 'failed', error: error as ConformanceFailure };
  }
}
