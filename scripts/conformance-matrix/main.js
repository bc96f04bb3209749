// Runs the whole suite against every provider of this repository and writes docs/conformance.md and
// docs/conformance.svg. With --check it writes nothing, and with --whole all run the full profile: a backend that is slow
// with many keys has the quick one otherwise, and its column says so. Exits with 1 when one does not conform, with its
// failures.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { conformanceCases, formatReport, runConformance } from '@keywrap/testkit';
import { drawMarkdown, drawSvg } from './draw.js';
import { loadHarnesses } from './harnesses.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

const columns = [];
for (const harness of await loadHarnesses()) {
  process.stdout.write(`${harness.name} ... `);
  const profile = process.argv.includes('--whole') ? 'full' : (harness.checkedBy ?? 'full');
  const report = await runConformance(harness, { profile });
  console.log(`${report.passed} passed, ${report.failed} failed`);
  if (report.failed > 0 || report.notRun > 0) console.log(formatReport(report));
  const name = profile === 'full' ? harness.name : `${harness.name} (${profile})`;
  columns.push({ name, ...report });
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
