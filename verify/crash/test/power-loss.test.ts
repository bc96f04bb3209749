import { expect } from 'chai';
import { plainSqlitePlan, type SqliteMode } from '#dist/power-loss/plain-sqlite.js';
import { cutPower, type PowerPlan, type PowerReport } from '#dist/power-loss/power-cuts.js';
import { storePlan } from '#dist/power-loss/store-plan.js';

// npm run test:crash cuts the power hundreds of times.
describe('a power cut', function () {
  this.timeout(300_000);

  /** With a seed that stays the same: what a test finds has to be found again. */
  async function cut(
    context: Mocha.Context,
    plan: Pick<PowerPlan, 'programs' | 'check'>,
    cuts: number,
  ): Promise<PowerReport> {
    const report = await cutPower({ ...plan, cuts, seed: 1 });
    if (typeof report !== 'string') return report;
    console.warn(`      not tested: ${report}`);
    return context.skip();
  }

  it('takes nothing that a key store has acknowledged', async function () {
    const report = await cut(this, storePlan(1, 40), 60);
    expect(report).to.deep.include({ cuts: 60, lost: [] });
  });

  it('takes nothing that a key store of several processes has acknowledged', async function () {
    const report = await cut(this, storePlan(3, 15), 60);
    expect(report).to.deep.include({ cuts: 60, lost: [] });
  });

  // sqlite.org/pragma.html, "synchronous": what each mode promises after a power loss.
  for (const [mode, isLosing] of [
    [['wal', 'full'], false],
    [['delete', 'full'], true],
    [['wal', 'off'], true],
  ] as [SqliteMode, boolean][]) {
    it(`takes ${isLosing ? 'rows' : 'nothing'} of SQLite with ${mode.join(', ')}`, async function () {
      const { losses } = await cut(this, plainSqlitePlan(mode, 20), 60);
      expect(losses > 0).to.equal(isLosing);
    });
  }
});
