import { expect } from 'chai';
import { crash, newReport } from '#dist/store/crash.js';

// npm run test:crash does this 200 times and more, on a full disk and in a read-only folder too.
describe('a key store whose processes are killed', () => {
  for (const [processes, kills] of [
    [1, 6],
    [4, 8],
  ] as const) {
    it(`loses nothing that it acknowledged, with ${processes} at work`, async function () {
      this.timeout(120_000);
      const report = newReport();
      await crash(report, { kills, processes });
      expect(report).to.deep.include({ kills, recoveries: kills, lost: [] });
    });
  }
});
