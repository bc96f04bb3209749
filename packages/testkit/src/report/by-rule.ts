import type { ConformanceRule } from '../case.js';
import { conformanceCases } from '../cases/index.js';
import type { CaseResult, ConformanceReport } from '../run-conformance.js';

/** The result of one rule. */
export interface RuleResult {
  readonly rule: ConformanceRule;
  readonly results: readonly CaseResult[];
  /** `failed` if a `must` case failed; `not applicable` if no case applies. */
  readonly status: CaseResult['status'];
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
}

const rules = new Map(conformanceCases.map(({ rule }) => [rule.id, rule]));

/** Groups a report by rule, in the order of the suite. */
export function byRule({ results }: Pick<ConformanceReport, 'results'>): readonly RuleResult[] {
  const ids = new Set(results.map(({ rule }) => rule));
  return [...ids].map((id) => {
    const own = results.filter(({ rule }) => rule === id);
    const count = (status: CaseResult['status']) =>
      own.filter((result) => result.status === status).length;
    const [passed, failed, notApplicable] = [
      count('passed'),
      count('failed'),
      count('not applicable'),
    ];
    return {
      rule: rules.get(id) as ConformanceRule,
      results: own,
      status: failed > 0 ? 'failed' : passed > 0 ? 'passed' : 'not applicable',
      passed,
      failed,
      notApplicable,
    };
  });
}

/** Formats counts without zeros: `5 passed, 1 failed`. */
export function countsOf({ passed, failed, notApplicable }: RuleResult): string {
  return [
    [passed, 'passed'],
    [failed, 'failed'],
    [notApplicable, 'not applicable'],
  ]
    .filter(([count]) => count !== 0)
    .map((each) => each.join(' '))
    .join(', ');
}

/** Formats the totals: `N passed, M failed, K not applicable`. */
export function totalOf({ passed, failed, notApplicable }: ConformanceReport): string {
  return `${passed} passed, ${failed} failed, ${notApplicable} not applicable`;
}
