import type { ConformanceCase } from './case.js';
import type { ConformanceHarness } from './harness.js';
import { IdleSession } from './idle-session.js';
import { type CaseOptions, casesIn } from './run-conformance.js';
import { Session } from './session.js';

/** The functions that the suite needs of a test runner; mocha, node:test, vitest, jest and Bun have them. */
export interface TestRunner {
  describe(title: string, body: () => void): unknown;
  it: TestFunction & { readonly skip: TestFunction };
  /** Called `after` in mocha and node:test. */
  after?(body: () => Promise<void>): unknown;
  /** Called `afterAll` in vitest, jest and Bun. */
  afterAll?(body: () => Promise<void>): unknown;
}

type TestFunction = (title: string, body: () => Promise<void>, timeoutMs?: number) => unknown;

/**
 * Registers the conformance suite with a test runner: a `describe` with an `it` for each case, skipped
 * with the reason if a case is not applicable. That depends on the provider, which is opened first, so await
 * this call at the top level of the test file. A provider of which no case is run is closed after some seconds.
 *
 * @param runner By default the global `describe`, `it`, and `after` or `afterAll`. Where there are no globals, the
 * runner's module: `import * as vitest from 'vitest'`.
 * @throws {@link HarnessError} when the harness can't open a provider, and a `TypeError` without a runner.
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
  { only, ...options }: CaseOptions = {},
): Promise<void> {
  if (typeof runner.describe !== 'function' || typeof runner.it !== 'function') {
    throw new TypeError(
      "describeConformance found no describe and it: pass the runner's module, for example `import * as vitest from 'vitest'`",
    );
  }
  const session = await Session.open(harness, options);
  const reasons = new Map<ConformanceCase, string | undefined>();
  for (const each of casesIn(only, options.profile))
    reasons.set(each, await session.whyNotApplicable(each));
  // It is idle from now on, however long that took.
  const idle = new IdleSession(session, () => Session.open(harness, options));
  const rules = new Set([...reasons.keys()].map(({ rule }) => rule));

  runner.describe(`${harness.name} conforms`, () => {
    for (const rule of rules) {
      runner.describe(rule.statement, () => {
        for (const [each, reason] of reasons) {
          if (each.rule === rule) register(runner, idle, each, reason);
        }
      });
    }
    (runner.after ?? runner.afterAll)?.(() => idle.close());
  });
}

/** The longest time limit that runners accept: the session has its own, whose message says what hung. */
const NO_LIMIT_MS = 2 ** 31 - 1;

function register(
  { it }: TestRunner,
  session: IdleSession,
  each: ConformanceCase,
  reason: string | undefined,
): void {
  const title = `${each.id} ${each.title}`;
  if (reason !== undefined) {
    it.skip(`${title} - not applicable: ${reason}`, async () => {});
    return;
  }
  // vitest, jest and Bun take the limit as an argument, mocha as a method of the test.
  const test = it(title, () => session.run(each), NO_LIMIT_MS);
  (test as { timeout?: (milliseconds: number) => unknown } | undefined)?.timeout?.(NO_LIMIT_MS);
}
