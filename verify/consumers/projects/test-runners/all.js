// Runs the suite in every test runner: each has to run the same cases.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

/** How each says how many tests passed. */
const number = (pattern) => (output) => Number(pattern.exec(output)?.[1]);
const PASSED = {
  mocha: number(/(\d+) passing/),
  node: number(/^# pass (\d+)$/m),
  vitest: number(/Tests +(\d+) passed/),
  'jest-esm': number(/Tests: .* (\d+) passed/),
  'jest-cjs': number(/^ *(\d+) passed$/m),
  bun: number(/(\d+) pass$/m),
  // It counts groups too.
  deno: (output) => output.match(/^ +[A-Z]{3}-.* ok /gm)?.length,
};

const counts = {};
for (const [name, passed] of Object.entries(PASSED)) {
  const env = { ...process.env, NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', name], {
    encoding: 'utf8',
    env,
  });
  assert.equal(status, 0, `${name}\n${stdout}${stderr}`);
  counts[name] = passed(stdout + stderr);
  console.log(`${name}: ${counts[name]} passed`);
}
assert.equal(new Set(Object.values(counts)).size, 1, JSON.stringify(counts));
assert.ok(counts.mocha > 100);
