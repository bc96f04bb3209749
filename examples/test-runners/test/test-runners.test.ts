import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const FOLDER = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const { PATH = '' } = process.env;

/** The program of a package, which may not be among its exports. */
const program = (name: string, file: string) =>
  path.join(path.dirname(require.resolve(`${name}/package.json`)), file);

// As the scripts of package.json run them, without npm in between.
const RUNNERS = {
  mocha: [program('mocha', 'bin/mocha.js'), '--no-config', 'mocha/conformance.test.js'],
  'node:test': ['--test', '--test-reporter=tap', 'node/'],
  vitest: [program('vitest', 'vitest.mjs'), 'run', 'vitest/'],
  jest: ['--experimental-vm-modules', program('jest', 'bin/jest.js')],
};

// What is registered with every runner: so many cases of these rules apply to the local provider.
const PASSED = {
  mocha: /(\d+) passing/,
  'node:test': /^# pass (\d+)$/m,
  vitest: /Tests +(\d+) passed/,
  jest: /Tests: .* (\d+) passed/,
};

describe('the test runners', () => {
  const counts = new Set<string | undefined>();

  for (const [name, args] of Object.entries(RUNNERS)) {
    it(`${name} runs the conformance suite`, () => {
      const env = { PATH, NO_COLOR: '1' };
      const options = { cwd: FOLDER, encoding: 'utf8', env } as const;
      const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
      expect(status, stdout + stderr).to.equal(0);
      counts.add(PASSED[name as keyof typeof PASSED].exec(stdout + stderr)?.[1]);
    });
  }

  it('run the same cases, all of them', () => {
    expect([...counts]).to.have.length(1);
    expect(Number([...counts][0])).to.be.greaterThan(90);
  });
});
