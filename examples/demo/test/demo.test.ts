import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

function demo(env: NodeJS.ProcessEnv = {}) {
  const { KEYWRAP_URL: _, ...clean } = process.env;
  return spawnSync(process.execPath, [MAIN], { encoding: 'utf8', env: { ...clean, ...env } });
}

describe('demo', () => {
  it('shows each step and what came back, in one screen', () => {
    const { stdout, stderr, status } = demo();
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
    expect(stdout.match(/^\d\. /gm)).to.have.length(6);
    expect(stdout.match(/the same[^:]*: true/g)).to.have.length(3);
    expect(stdout).not.to.include('false');
    for (const code of ['INCORRECT_KEY', 'INVALID_CIPHERTEXT', 'KEY_DISABLED']) {
      expect(stdout).to.include(`-> ${code}: `);
    }
    expect(stdout.trimEnd().split('\n').length).to.be.at.most(32);
  });

  it('takes the provider from KEYWRAP_URL, and says what is missing there', () => {
    const { stdout, status } = demo({ KEYWRAP_URL: 'local:?region=eu-west-1' });
    expect(status).to.equal(1);
    expect(stdout).to.include('KEY_NOT_FOUND').and.to.include('alias/keywrap-demo');
  });
});
