import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

describe('customer-files', () => {
  it('keeps a record and a file of 200 MB, in memory that does not grow with the file', () => {
    const { KEYWRAP_URL: _, ...env } = process.env;
    const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN], {
      encoding: 'utf8',
      env,
    });
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
    expect(stdout).to.include('customer 7: IBAN ends in 2051\n');
    expect(stdout).to.include('file of 200 MB: the same\n');
    const [, growth] = /(\d+) MB above idle/.exec(stdout) ?? [];
    expect(Number(growth)).to.be.below(128);
  });

  it('says what is wrong in a line, and exits with 1', () => {
    const env = { ...process.env, KEYWRAP_URL: 'local:?keys=alias/other' };
    const { stderr, status } = spawnSync(process.execPath, [MAIN], { encoding: 'utf8', env });
    expect(status).to.equal(1);
    expect(stderr).to.match(/^KeyNotFoundError: .*\n$/);
  });
});
