import type { CaseResult, ConformanceReport } from '../run-conformance.js';
import { byRule } from './by-rule.js';

/** Formats a report as JSON, for programs. The fields are stable; new ones may be added. */
export function formatJson(report: ConformanceReport): string {
  const { provider, profile, seed, passed, failed, notApplicable, notRun, results } = report;
  const harnessError = report.harnessError?.message;
  const rules = byRule(report).map(({ rule, results: _, ...counts }) => ({ ...rule, ...counts }));
  const cases = results.map(caseOf);
  return JSON.stringify(
    { provider, profile, seed, passed, failed, notApplicable, notRun, harnessError, rules, cases },
    undefined,
    2,
  );
}

function caseOf({ error, ...result }: CaseResult) {
  if (error === undefined) return result;
  const { calls, expected, actual, causes, source, repeat } = error;
  return { ...result, failure: { done: calls, expected, came: actual, causes, source, repeat } };
}
