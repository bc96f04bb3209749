import type { ConformanceReport } from '../run-conformance.js';
import { byRule, countsOf, type RuleResult, totalOf } from './by-rule.js';

const MARKS = { passed: '✅', failed: '❌', 'not applicable': '–' } as const;

/** Formats a report as Markdown: a table of rules, then each failed case. */
export function formatMarkdown(report: ConformanceReport): string {
  const rows = byRule(report).map(
    (each) => `| ${MARKS[each.status]} | ${statementOf(each)} | ${countsOf(each)} |`,
  );
  const failures = report.results.flatMap(({ id, title, error }) =>
    error === undefined
      ? []
      : [`### ${id}: ${escaped(title)}`, '', '```text', fenced(error.message), '```', ''],
  );
  return [
    `# Conformance of ${escaped(report.provider)}`,
    '',
    '| | rule | cases |',
    '| --- | --- | --- |',
    ...rows,
    '',
    ...(failures.length === 0 ? [] : ['## Failures', '', ...failures]),
    totalOf(report),
  ].join('\n');
}

function statementOf({ rule: { id, statement, source } }: RuleResult): string {
  const name = source.startsWith('https://') ? `[${id}](${source})` : id;
  return `${name}: ${escaped(statement)}`;
}

function escaped(text: string): string {
  return text.replace(/[\\`*_<>|[\]]/g, '\\$&');
}

/** A provider's message must not end the block that shows it. */
function fenced(text: string): string {
  return text.replaceAll('```', "'''");
}
