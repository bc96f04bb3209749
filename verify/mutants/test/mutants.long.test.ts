import { conformanceCases, runConformance } from '@keywrap/testkit';
import { expect } from 'chai';
import { mutants } from '#dist/index.js';
import { judgeMutant, prove } from '#dist/judge.js';
import { guarded } from '#dist/layers.js';
import { wrapped } from '#dist/mutant.js';
import { formatBlind, formatVerdicts } from '#dist/table.js';

// One mutant for each rule. `npm run test:mutants` runs all of them.
const firstOfEachRule = mutants.filter(
  ({ breaks }, index) => mutants.findIndex((each) => each.breaks === breaks) === index,
);

describe('broken providers', () => {
  for (const mutant of firstOfEachRule) {
    it(`catches, by a case of ${mutant.breaks}: ${mutant.name}`, async () => {
      const { caughtBy } = await judgeMutant(mutant);
      expect(caughtBy).to.not.be.empty;
    });
  }

  it('break every rule at least once, and no other', () => {
    const broken = new Set(mutants.map(({ breaks }) => breaks));
    const rules = new Set(conformanceCases.map(({ rule }) => rule.id));
    expect([...broken].sort()).to.deep.equal([...rules].sort());
  });

  it('have unique names', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).to.equal(mutants.length);
  });

  it('are caught for what they do wrong: one that changes nothing passes', async () => {
    const { open } = wrapped('right', '', (inner) => ({
      encrypt: (input, options) => inner.encrypt(input, options),
    }));
    const report = await runConformance({ name: 'right', open: async () => open() });
    expect(report.results.filter(({ status }) => status === 'failed')).to.deep.equal([]);
  });

  it('are caught for what they do wrong: a layer that guards keys in every operation passes', async () => {
    const { caughtBy } = await judgeMutant(guarded());
    expect(caughtBy).to.deep.equal([]);
  });
});

describe('the proof by broken providers', () => {
  const verdict = (name: string, ...caughtBy: string[]) => ({
    name,
    breaks: 'close',
    caughtBy,
  });
  const all = conformanceCases.map(({ id }) => id);

  it('fails for a mutant that survives, and for a case that catches none', () => {
    const { survivors, idle } = prove([verdict('sly'), verdict('plain', ...all.slice(1))]);
    expect(survivors.map(({ name }) => name)).to.deep.equal(['sly']);
    expect(idle).to.deep.equal(all.slice(0, 1));
  });

  it('is a table that says so, and ends with the numbers', () => {
    const lines = formatVerdicts([verdict('sly'), verdict('plain', ...all.slice(1))]).split('\n');
    expect(lines[0]).to.match(/^mutant +breaks +caught by$/);
    expect(lines[1]).to.match(/^sly +close +NOTHING$/);
    expect(lines[2]).to.match(/^plain +close +\S+ .*\S \+\d+$/);
    expect(lines.at(-3)).to.equal('no case of close caught: sly');
    expect(lines.at(-2)).to.equal(`caught no mutant of its rule: ${all[0]}`);
    expect(lines.at(-1)).to.equal(
      `killed 1 of 2, ${all.length - 1} of ${all.length} cases earn their place`,
    );
  });

  it('says on a line of its own how many were caught of those that were written blind', () => {
    const survivor = { set: 'b', name: 'sly', why: 'It lies (a field report)' } as const;
    const proof = { survivors: [survivor], total: 40, falseAlarms: ['ENC-001: no key'] };
    expect(formatBlind(proof).split('\n')).to.deep.equal([
      'not caught (set b): sly: It lies (a field report)',
      'fails for the right provider: ENC-001: no key',
      'blind: killed 39 of 40',
    ]);
  });
});
