import { expect } from 'chai';
import { quantile } from '#dist/benchmark.js';
import { soakKeys } from '#dist/rows/memory.js';

describe('keys that are made, used and deleted', () => {
  it('leave the heap as it was', async function () {
    this.timeout(300_000);
    const { ours, reference } = await soakKeys(300, 1_000);
    // 8 kB of each of 700 keys that stayed would be 5 MiB.
    expect(quantile(ours, 0.5) - quantile(reference, 0.5)).to.be.lessThan(3);
  });
});
