import type { CaseResult, ConformanceReport } from '../run-conformance.js';
import { byRule } from './by-rule.js';

/** Formats a report as JUnit XML for build servers: a suite for each rule, a test for each case. */
export function formatJunit(report: ConformanceReport): string {
  const { provider, passed, failed, notApplicable, results } = report;
  const tests = passed + failed + notApplicable;
  const suites = byRule(report).map(({ rule, results: own, ...counts }) =>
    [
      `  <testsuite${attributes({ name: `${rule.id}: ${rule.statement}`, tests: own.length, failures: counts.failed, skipped: counts.notApplicable, time: seconds(own) })}>`,
      ...own.map((each) => testcase(each, provider)),
      '  </testsuite>',
    ].join('\n'),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: provider, tests, failures: failed, skipped: notApplicable, time: seconds(results) })}>`,
    ...suites,
    '</testsuites>',
  ].join('\n');
}

function testcase(result: CaseResult, provider: string): string {
  const { id, title, rule, reason, error } = result;
  const start = `    <testcase${attributes({ name: `${id} ${title}`, classname: `${provider}.${rule}`, time: seconds([result]) })}`;
  if (reason !== undefined)
    return `${start}><skipped${attributes({ message: reason })}/></testcase>`;
  if (error === undefined) return `${start}/>`;
  const message = `expected ${error.expected}, got ${error.actual}`;
  return `${start}><failure${attributes({ message })}>${escaped(error.message)}</failure></testcase>`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** XML 1.0 section 2.2 forbids most control characters, even escaped. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"]/g, (character) => ENTITIES[character] as string)
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}

function seconds(results: readonly CaseResult[]): string {
  return (results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000).toFixed(3);
}
