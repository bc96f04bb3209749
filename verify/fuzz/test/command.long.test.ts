import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { saveFinding } from '#dist/findings.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const run = (...options: string[]) =>
  spawnSync(process.execPath, [main, ...options], {
    encoding: 'utf8',
    // It counts coverage itself, and what it would report to c8 is not what the tests reach.
    env: { ...process.env, NODE_V8_COVERAGE: '' },
  });

describe('npm run fuzz', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'keywrap-fuzz-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('fuzzes one target and prints a table', () => {
    const { status, stdout } = run('--only', 'key-id', '--seconds', '0.1', '--seed', '1');
    expect(status).to.equal(0);
    expect(stdout)
      .to.match(/^\| target /)
      .and.match(/\n\| key-id +\| +\d+ .* 0 \|\n$/);
  });

  it('runs a target on a kept input again', async () => {
    const input = new TextEncoder().encode('alias/orders');
    const file = await saveFinding(folder, 'key-id', { input });
    const { status, stdout } = run('--only', 'key-id', '--replay', file);
    expect(stdout).to.equal('the target handles it\n');
    expect(status).to.equal(0);
  });

  it('prints its usage for unknown arguments (2)', () => {
    const { status, stderr } = run('--only', 'all');
    expect(status).to.equal(2);
    expect(stderr)
      .to.match(/^there is no target all\n/)
      .and.include('Targets: blob, ');
  });
});
