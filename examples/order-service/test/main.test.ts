import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

function main(url: string | undefined) {
  const { KEYWRAP_URL: _, ...clean } = process.env;
  const env = url === undefined ? clean : { ...clean, KEYWRAP_URL: url };
  return spawnSync(process.execPath, [MAIN], { encoding: 'utf8', env });
}

describe('order-service', () => {
  it('picks its provider by KEYWRAP_URL', () => {
    const { stdout, stderr, status } = main(
      'local:?keys=alias/orders,alias/orders-next&region=eu-west-1',
    );
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
    expect(stdout).to.match(/^sealed {2}order 1234 under arn:aws:kms:eu-west-1:/);
    expect(stdout).to.match(/opened {2}order 1234: card ends in 1111\n$/);
  });

  for (const [url, says] of [
    [undefined, 'set KEYWRAP_URL'],
    ['vault:x', 'vault:'],
    ['local:?keys=alias/other', 'KeyNotFoundError'],
  ] as const) {
    it(`says what is wrong with ${url ?? 'no KEYWRAP_URL'}, in a line, and exits with 1`, () => {
      const { stderr, status } = main(url);
      expect(status).to.equal(1);
      expect(stderr).to.include(says);
      expect(stderr.trim().split('\n')).to.have.length(1);
    });
  }
});
