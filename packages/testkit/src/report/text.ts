import type { ConformanceReport } from '../run-conformance.js';
import { byRule, countsOf, type RuleResult, reasonsOf, totalOf } from './by-rule.js';

const MARKS = { passed: 'ok', failed: 'FAILED', 'not applicable': 'n/a' } as const;

/**
 * Formats a report as text: the result by rule, then each failed case with its message. The last line is
 * `N passed, M failed, K not applicable`.
 *
 * @example
 * ```ts
 * import { type ConformanceReport, formatReport } from '@keywrap/testkit';
 *
 * declare const report: ConformanceReport;
 * console.log(formatReport(report));
 * ```
 */
export function formatReport(report: ConformanceReport): string {
  const rules = byRule(report);
  const width = Math.max(0, ...rules.map(({ rule }) => rule.id.length));
  const failures = report.results.flatMap(({ error }) =>
    error === undefined ? [] : ['', error.message],
  );
  return [
    `Conformance of ${report.provider}`,
    '',
    ...rules.flatMap((each) => formatRule(each, width)),
    ...failures,
    '',
    ...(report.failed > 0 ? [`to repeat: --seed ${report.seed}`] : []),
    totalOf(report),
  ].join('\n');
}

/** The maximum number of reasons; more would hide the result. */
const REASONS = 3;

function formatRule(result: RuleResult, width: number): string[] {
  const row = `${MARKS[result.status].padEnd(6)}  ${result.rule.id.padEnd(width)}  ${countsOf(result)}`;
  const reasons = reasonsOf(result);
  const shown =
    reasons.length > REASONS
      ? [...reasons.slice(0, REASONS - 1), `and ${reasons.length - REASONS + 1} other reasons`]
      : reasons;
  return [row, ...shown.map((reason) => `${' '.repeat(8 + width)}  ${reason}`)];
}
