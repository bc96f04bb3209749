// Runs the whole suite against every provider of this repository and writes docs/conformance.md and
// docs/conformance.svg. With --check it writes nothing. Exits with 1 when one does not conform, with its failures.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { conformanceCases, formatReport, runConformance } from '@keywrap/testkit';
import { drawMarkdown, drawSvg } from './draw.js';
import { loadHarnesses } from './harnesses.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

const columns = [];
for (const harness of await loadHarnesses()) {
  process.stdout.write(`${harness.name} ... `);
  // A check takes the shorter profile where a whole run takes minutes.
  const profile = process.argv.includes('--check') ? (harness.checkedBy ?? 'full') : 'full';
  const report = await runConformance(harness, { profile });
  console.log(`${report.passed} passed, ${report.failed} failed`);
  if (report.failed > 0 || report.notRun > 0) console.log(formatReport(report));
  columns.push({ name: harness.name, ...report });
  await harness.end?.();
}

const rules = [...new Set(conformanceCases.map(({ rule }) => rule))].map((rule) => ({
  rule,
  cases: conformanceCases.filter((each) => each.rule === rule),
  results: columns.map(({ results }) => resultOf(results.filter((each) => each.rule === rule.id))),
}));
const { version } = JSON.parse(readFileSync(path.join(ROOT, 'packages/testkit/package.json')));
const matrix = {
  columns,
  rules,
  date: new Date().toISOString().slice(0, 10),
  versions: [
    `@keywrap/testkit ${version}`,
    `Node.js ${process.versions.node}`,
    `OpenSSL ${process.versions.openssl}`,
  ],
};
if (!process.argv.includes('--check')) {
  writeFileSync(path.join(ROOT, 'docs/conformance.md'), drawMarkdown(matrix));
  writeFileSync(path.join(ROOT, 'docs/conformance.svg'), drawSvg(matrix));
}
if (columns.some(({ failed, notRun }) => failed + notRun > 0)) process.exitCode = 1;

function resultOf(cases) {
  const count = (status) => cases.filter((each) => each.status === status).length;
  const [passed, failed] = [count('passed'), count('failed')];
  const status = failed > 0 ? 'failed' : passed > 0 ? 'passed' : 'not applicable';
  const byCore = cases.filter(({ reason }) => reason === 'core does this for every driver').length;
  return { status, passed, failed, byCore };
}
