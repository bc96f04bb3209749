// Runs the suite in every runtime: it passes, and what a runtime lacks is refused, as the documentation says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

const NODE = [20, 22, 24, 26].map((version) => [
  `Node.js ${version}`,
  { command: [`node-${version}/bin/node`] },
]);
const RUNTIMES = {
  ...Object.fromEntries(NODE),
  Bun: {
    command: ['@oven/bun-linux-x64-baseline/bin/bun'],
    refused: { 'generate ECC_SECG_P256K1': 'UNSUPPORTED', 'import ECC_SECG_P256K1': 'UNSUPPORTED' },
  },
  Deno: {
    command: ['@deno/linux-x64-glibc/deno', 'run', '--no-lock', '--allow-all'],
    refused: { 'import ECC_NIST_P521': 'UNSUPPORTED' },
  },
};

for (const [name, { command, refused = {} }] of Object.entries(RUNTIMES)) {
  const [program, ...args] = command;
  const { status, stdout, stderr } = spawnSync(`node_modules/${program}`, [...args, 'suite.js'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${name}\n${stdout}${stderr}`);
  const report = JSON.parse(stdout);
  assert.deepEqual(report.failed, [], name);
  assert.ok(report.passed > 600, `${name}: ${report.passed} passed`);
  assert.deepEqual(report.refused, refused, name);
  assert.equal(report.kept, 'kept', name);
  console.log(`${name}: ${report.passed} passed`);
}
