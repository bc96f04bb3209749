import type { ConformanceCase } from './case.js';
import { conformanceCases } from './cases/index.js';
import type { ConformanceFailure, HarnessError } from './failure.js';
import type { ConformanceHarness } from './harness.js';
import { includes, type Profile } from './profile.js';
import { Session, type SessionOptions } from './session.js';

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
  readonly profile: Profile;
  /** The seed of the random cases; pass it to repeat them. */
  readonly seed: number;
  /** The cases that ran, in the order of the suite. */
  readonly results: readonly CaseResult[];
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
  /** How many cases did not run, because the run ended early. */
  readonly notRun: number;
  /** The failure of the harness that ended the run: `keys.create`, or `open` during the run, rejected. */
  readonly harnessError?: HarnessError | undefined;
}

/** Which cases a run has, and their limits. */
export interface CaseOptions extends SessionOptions {
  /** Runs only these: ids or prefixes of cases, or ids of rules: `DEC-004`, `CTX-`, `key-disabled`. */
  readonly only?: readonly string[] | undefined;
  /** How much to run; by default `full`. */
  readonly profile?: Profile | undefined;
  /**
   * The time limit of each call in milliseconds; by default a minute. It grows with the latency of the provider, to 20
   * times its slowest call.
   */
  readonly timeoutMs?: number | undefined;
  /** Repeats the random cases of the run that reported this seed. */
  readonly seed?: number | undefined;
}

/** The options of a run. */
export interface RunOptions extends CaseOptions {
  /** Called after each case, in the order in which they end. */
  readonly onCase?: ((result: CaseResult) => void) | undefined;
  /** Ends the run after the first required case that fails. */
  readonly bail?: boolean | undefined;
  /** How many cases run at the same time; by default 4. */
  readonly concurrency?: number | undefined;
  /** Ends the run when it is aborted, after the cases that run then. The keys are cleaned up. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the conformance suite and reports, without any test runner.
 *
 * @throws {@link HarnessError} when the harness can't open a provider.
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
  { only, onCase, bail = false, concurrency = 4, signal, ...options }: RunOptions = {},
): Promise<ConformanceReport> {
  const cases = casesIn(only, options.profile);
  const session = await Session.open(harness, options);
  const done = new Map<ConformanceCase, CaseResult>();
  const isOver = () =>
    signal?.aborted === true ||
    session.harnessError !== undefined ||
    (bail && [...done.values()].some(isViolation));
  const work = async (each: ConformanceCase) => {
    if (isOver()) return;
    const result = await judge(session, each);
    done.set(each, result);
    onCase?.(result);
  };
  try {
    await atOnce(
      cases.filter(({ alone }) => !alone),
      concurrency,
      work,
    );
    await atOnce(
      cases.filter(({ alone }) => alone),
      1,
      work,
    );
  } finally {
    await session.close();
  }
  const results = cases.flatMap((each) => done.get(each) ?? []);
  const count = (status: CaseResult['status']) =>
    results.filter((result) => result.status === status).length;
  return {
    provider: harness.name,
    profile: session.profile,
    seed: session.seed,
    results,
    passed: count('passed'),
    failed: count('failed'),
    notApplicable: count('not applicable'),
    notRun: cases.length - results.length,
    ...(session.harnessError && { harnessError: session.harnessError }),
  };
}

/** Returns true for a required case that failed. */
export function isViolation({ level, status }: CaseResult): boolean {
  return level === 'must' && status === 'failed';
}

/** Returns the cases that `only` selects in a profile, by default all. Rejects a name that matches none. */
export function casesIn(
  only: readonly string[] | undefined,
  profile: Profile = 'full',
): readonly ConformanceCase[] {
  const all = conformanceCases.filter((each) => includes(profile, each.profile));
  if (only === undefined) return all;
  const fits = (name: string, { id, rule }: ConformanceCase) =>
    name !== '' && (id.startsWith(name) || rule.id === name);
  for (const name of only) {
    if (all.some((each) => fits(name, each))) continue;
    const larger = conformanceCases.find((each) => fits(name, each))?.profile;
    throw new RangeError(
      larger === undefined
        ? `no case and no rule is ${name}; --list shows all`
        : `${name} is in the profile ${larger}, not in ${profile}`,
    );
  }
  return all.filter((each) => only.some((name) => fits(name, each)));
}

/** Does the work for each item, at most so many at a time. */
async function atOnce<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.max(1, limit) }, worker));
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
