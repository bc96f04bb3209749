import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

describe('move-clouds', () => {
  it('moves records from AWS KMS to every other backend and back', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN]);
    const stations = stdout.match(/^(stored|moved) +under .*/gm) ?? [];
    const missing = stdout.match(/^left out: /gm) ?? [];
    expect(stations.length + missing.length).to.equal(4);
    expect(stations.at(-1)).to.match(/^moved +under AWS KMS/);
    expect(stdout.match(/read the same: true/g)).to.have.length(stations.length - 1);
    if (process.env.CI === 'true') expect(missing).to.deep.equal([]);
  });
});
