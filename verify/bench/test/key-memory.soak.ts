import { expect } from 'chai';
import { quantile } from '#dist/benchmark.js';
import { soakKeys, soakServer } from '#dist/rows/memory.js';

describe('keys that are made, used and deleted', () => {
  it('leave the heap as it was', async function () {
    this.timeout(300_000);
    const { ours, reference } = await soakKeys(300, 1_000);
    // 8 kB of each of 700 keys that stayed would be 5 MiB.
    expect(quantile(ours, 0.5) - quantile(reference, 0.5)).to.be.lessThan(3);
  });

  it('leave the heap of kms-server as it was, as do names that nobody has', async function () {
    this.timeout(300_000);
    const { ours, reference } = await soakServer(200, 900);
    expect(quantile(ours, 0.5) - quantile(reference, 0.5)).to.be.lessThan(3);
  });
});
