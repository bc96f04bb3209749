import { ORIGINALS } from '@keywrap/mutants/originals';
import { formatReport, runConformance } from '@keywrap/testkit';
import { rightProviders, slowProviders } from './index.js';

// Runs the suite against every right provider, and prints what failed. Exits with 1 for a false alarm.

const all = [...rightProviders, ...ORIGINALS, ...slowProviders];
let alarms = 0;
for (const harness of all) {
  // Calls that wait for a timer cost nothing, so many cases may wait at once.
  const report = await runConformance(harness, { concurrency: 16 });
  const { passed, failed, notApplicable, notRun } = report;
  console.log(
    `${harness.name}: ${passed} passed, ${failed} failed, ${notApplicable} not applicable`,
  );
  if (failed + notRun === 0 && passed > 0) continue;
  alarms++;
  console.log(formatReport(report));
}
console.log(`${all.length - alarms} of ${all.length} right providers pass`);
process.exitCode = alarms === 0 ? 0 : 1;
