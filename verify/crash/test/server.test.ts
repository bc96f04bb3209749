import { expect } from 'chai';
import { crash, newReport } from '#dist/server/crash.js';

// npm run test:crash:kms does this 60 times and more.
describe('A server that is killed', () => {
  it('has everything that it acknowledged when it starts again, also when two share the store', async () => {
    const report = newReport();
    await crash(report, { kills: 4, servers: 2 });
    expect(report).to.deep.include({ kills: 4, recoveries: 4, lost: [] });
  });
});
