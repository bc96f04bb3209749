import { expect } from 'chai';
import { conformanceCases, runConformance } from '#dist/index.js';
import { mutants } from './mutants/index.js';
import { wrapped } from './mutants/mutant.js';

const idsOf = (rule: string) =>
  conformanceCases.filter((each) => each.rule.id === rule).map(({ id }) => id);

describe('broken providers', () => {
  for (const { name, breaks, timeoutMs, open } of mutants) {
    it(`catches, by a case of ${breaks}: ${name}`, async () => {
      const harness = { name, open: async () => open() };
      const report = await runConformance(harness, { only: idsOf(breaks), timeoutMs });
      expect(report.failed, 'failed cases').to.be.greaterThan(0);
    });
  }

  it('break every rule at least once', () => {
    const broken = new Set(mutants.map(({ breaks }) => breaks));
    const unbroken = conformanceCases.filter(({ rule }) => !broken.has(rule.id));
    expect(unbroken.map(({ rule }) => rule.id)).to.deep.equal([]);
  });

  it('are caught for what they do wrong: one that changes nothing passes', async () => {
    const { open } = wrapped('right', '', (inner) => ({
      encrypt: (input, options) => inner.encrypt(input, options),
    }));
    const report = await runConformance({ name: 'right', open: async () => open() });
    expect(report.results.filter(({ status }) => status === 'failed')).to.deep.equal([]);
  });
});
