import { MISSING } from '../needs.js';
import type { ConformanceReport } from '../run-conformance.js';
import { byRule, countsOf, type RuleResult, totalOf } from './by-rule.js';

const MARKS = { passed: 'ok', failed: 'FAILED', 'not applicable': 'n/a' } as const;

/**
 * Formats a report as text: the result by rule, then each failed case with its message, then the reasons why cases are
 * not applicable. The last line is `N passed, M failed, K not applicable`.
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
    ...rules.map((each) => formatRule(each, width)),
    ...failures,
    '',
    ...(harnessError === undefined ? [] : [`The run ended: ${harnessError.explanation}`, '']),
    ...(notRun > 0 ? [`${notRun} cases did not run`] : []),
    ...notApplicable(report),
    ...notProved(report),
    totalOf(report),
  ].join('\n');
}

/** Gives each reason why cases are not applicable once, with the number of cases, the most frequent first. */
function notApplicable({ results }: ConformanceReport): string[] {
  const counts = new Map<string, number>();
  for (const { reason } of results) {
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  if (counts.size === 0) return [];
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return [
    'not applicable',
    ...sorted.map(([reason, count]) => `${String(count).padStart(6)}  ${reason}`),
    '',
  ];
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

function formatRule(result: RuleResult, width: number): string {
  return `${MARKS[result.status].padEnd(6)}  ${result.rule.id.padEnd(width)}  ${countsOf(result)}`;
}
