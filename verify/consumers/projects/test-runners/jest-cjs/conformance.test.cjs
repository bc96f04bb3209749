const { formatReport, runConformance } = require('@keywrap/testkit');
const { harness, options } = require('../harness.js');

// CommonJS has no await at the top level, so one test runs the suite.
it('conforms', async () => {
  const report = await runConformance(harness, options);
  if (report.failed > 0) throw new Error(formatReport(report));
  console.log(`${report.passed} passed`);
}, 300_000);
