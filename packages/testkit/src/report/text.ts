import { MISSING } from '../needs.js';
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
  const { harnessError, notRun } = report;
  return [
    `Conformance of ${report.provider}, profile ${report.profile}`,
    '',
    ...rules.flatMap((each) => formatRule(each, width)),
    ...failures,
    '',
    ...(harnessError === undefined ? [] : [`The run ended: ${harnessError.explanation}`, '']),
    ...(notRun > 0 ? [`${notRun} cases did not run`] : []),
    ...notProved(report),
    totalOf(report),
  ].join('\n');
}

/** Says what stays unproved because the harness does not offer it, so that nobody takes silence for proof. */
function notProved({ results }: ConformanceReport): string[] {
  const reasons = new Set(results.flatMap(({ reason }) => reason ?? []));
  const missing = [...reasons].filter((reason) => reason.startsWith(MISSING));
  if (missing.length === 0) return [];
  return wrapList(
    `not proved, because ${MISSING}`,
    missing.map((reason) => reason.slice(MISSING.length + 1)),
  );
}

/** In characters. */
const LINE_WIDTH = 100;

/** Writes a list after its introduction, in lines that a terminal shows whole. */
function wrapList(introduction: string, items: readonly string[]): string[] {
  const lines = [];
  let line = introduction;
  for (const [index, item] of items.entries()) {
    const text = index === items.length - 1 ? item : `${item},`;
    if (line.length + 1 + text.length > LINE_WIDTH) {
      lines.push(line);
      line = ` ${text}`;
    } else line += ` ${text}`;
  }
  return [...lines, line];
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
