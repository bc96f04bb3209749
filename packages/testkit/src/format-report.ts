import type { CaseResult, ConformanceReport } from './run-conformance.js';

const MARKS = { passed: 'ok', failed: 'FAILED', 'not applicable': 'n/a' } as const;

/**
 * A report as text: a table of all cases, then what failed and why. The last line is
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
  const { provider, results, passed, failed, notApplicable } = report;
  const idWidth = Math.max(0, ...results.map(({ id }) => id.length));
  const rows = results.map((result) => formatRow(result, idWidth));
  const failures = results.flatMap(({ error }) => (error === undefined ? [] : ['', error.message]));
  const total = `${passed} passed, ${failed} failed, ${notApplicable} not applicable`;
  return [`Conformance of ${provider}`, '', ...rows, ...failures, '', total].join('\n');
}

function formatRow({ id, title, level, status, reason }: CaseResult, idWidth: number): string {
  const note = reason === undefined ? '' : ` (${reason})`;
  return `${MARKS[status].padEnd(6)}  ${level.padEnd(6)}  ${id.padEnd(idWidth)}  ${title}${note}`;
}
