import type { ConformanceCase } from './case.js';
import type { ConformanceHarness } from './harness.js';
import { casesIn, type RunOptions } from './run-conformance.js';
import { DEFAULT_TIMEOUT_MS, Session } from './session.js';

/** The functions that the suite needs of a test runner; mocha, node:test, vitest and jest have them. */
export interface TestRunner {
  describe(title: string, body: () => void): unknown;
  it: TestFunction & { readonly skip: TestFunction };
  /** Called `after` in mocha and node:test. */
  after?(body: () => Promise<void>): unknown;
  /** Called `afterAll` in vitest and jest. */
  afterAll?(body: () => Promise<void>): unknown;
}

type TestFunction = (title: string, body: () => Promise<void>, timeoutMs?: number) => unknown;

/**
 * Registers the conformance suite with a test runner: a `describe` with an `it` for each case, skipped
 * with the reason if a case is not applicable. That depends on the provider, which is opened first, so await
 * this call at the top level of the test file.
 *
 * @param runner By default the global `describe`, `it`, and `after` or `afterAll`.
 *
 * @example
 * ```ts
 * import { type ConformanceHarness, describeConformance } from '@keywrap/testkit';
 *
 * declare const harness: ConformanceHarness;
 * await describeConformance(harness);
 * ```
 */
export async function describeConformance(
  harness: ConformanceHarness,
  runner: TestRunner = globalThis as unknown as TestRunner,
  { only, seed, timeoutMs = DEFAULT_TIMEOUT_MS }: Omit<RunOptions, 'onCase'> = {},
): Promise<void> {
  const session = await Session.open(harness, { timeoutMs, seed });
  const reasons = new Map<ConformanceCase, string | undefined>();
  for (const each of casesIn(only)) reasons.set(each, await session.whyNotApplicable(each));
  const rules = new Set([...reasons.keys()].map(({ rule }) => rule));

  runner.describe(`${harness.name} conforms`, () => {
    for (const rule of rules) {
      runner.describe(rule.statement, () => {
        for (const [each, reason] of reasons) {
          if (each.rule === rule) register(runner, session, each, reason, timeoutMs);
        }
      });
    }
    (runner.after ?? runner.afterAll)?.(() => session.close());
  });
}

function register(
  { it }: TestRunner,
  session: Session,
  each: ConformanceCase,
  reason: string | undefined,
  timeoutMs: number,
): void {
  const title = `${each.id} ${each.title}`;
  if (reason !== undefined) {
    it.skip(`${title} - not applicable: ${reason}`, async () => {});
    return;
  }
  // The session's own limit comes first, because its message says what hung.
  const limit = timeoutMs + 1000;
  const test = it(title, () => session.run(each), limit);
  // vitest and jest take the limit as an argument, mocha as a method of the test.
  (test as { timeout?: (milliseconds: number) => unknown } | undefined)?.timeout?.(limit);
}
