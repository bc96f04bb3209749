import { conformanceCases } from '@keywrap/testkit';
import { expect } from 'chai';
import { blindMutants } from '#dist/blind/index.js';
import { mutants } from '#dist/index.js';
import { judgeMutant, prove } from '#dist/judge.js';
import { judgeBlind } from '#dist/judge-blind.js';
import { readKillers, renewed } from '#dist/killers.js';
import { guarded } from '#dist/layers.js';
import { formatBlind, formatVerdicts } from '#dist/table.js';

// One mutant for each rule. `npm run test:mutants` runs all of them.
const firstOfEachRule = mutants.filter(
  ({ breaks }, index) => mutants.findIndex((each) => each.breaks === breaks) === index,
);

describe('broken providers', () => {
  for (const mutant of firstOfEachRule) {
    it(`catches, by a case of ${mutant.breaks}: ${mutant.name}`, async () => {
      const { caughtBy } = await judgeMutant(mutant, readKillers().own[mutant.name]);
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
});

describe('a layer that guards keys in every operation', () => {
  it('is caught by no case about disabled keys', async () => {
    const { caughtBy } = await judgeMutant(guarded());
    expect(caughtBy).to.deep.equal([]);
  });
});

describe('the table of what catches which mutant', () => {
  const { own, blind } = readKillers();

  it('names mutants and cases that there are', () => {
    const names = new Set([...mutants, ...blindMutants].map(({ name }) => name));
    const unknown = [...Object.keys(own), ...Object.keys(blind)].filter((name) => !names.has(name));
    expect(unknown).to.deep.equal([]);
    const ids = new Set(conformanceCases.map(({ id }) => id));
    expect(Object.values(own).flat()).to.satisfy((all: string[]) => all.every((id) => ids.has(id)));
  });

  it('is no evidence: where a case does not catch its mutant, others are looked for', async () => {
    const mutant = mutants.find(({ breaks }) => breaks === 'plaintext-length');
    if (mutant === undefined) throw new Error('no mutant breaks plaintext-length');
    const { caughtBy } = await judgeMutant(mutant, ['CAP-001']);
    expect(caughtBy).to.not.be.empty;
    expect(caughtBy.map(({ id }) => id)).to.not.include('CAP-001');
  });

  it('is no evidence for what was written blind either', async () => {
    const [name] = Object.entries(blind).find(([, kill]) => kill?.endsWith(' quick')) ?? [];
    const mutant = blindMutants.find((each) => each.name === name);
    if (mutant === undefined) throw new Error('the quick profile catches none');
    const { caughtBy } = await judgeBlind(mutant, 'quick', 'CAP-001 quick');
    expect(caughtBy)
      .to.match(/ quick$/)
      .and.not.match(/^CAP-001/);
  });

  it('keeps what is still true when it is written again, and adds the quickest', () => {
    const kills = (...ids: string[]) => ids.map((id, i) => ({ id, durationMs: 10 - i }));
    const verdicts = [
      { name: 'one', breaks: 'close', caughtBy: kills('CLO-001', 'CLO-002') },
      { name: 'two', breaks: 'close', caughtBy: kills('CLO-003', 'CLO-001') },
    ];
    const old = { own: { one: ['CLO-001', 'CLO-009'], gone: ['CLO-001'] }, blind: {} };
    expect(renewed(old, verdicts, []).own).to.deep.equal({
      one: ['CLO-001', 'CLO-002'],
      two: ['CLO-001', 'CLO-003'],
    });
  });
});

describe('the proof by broken providers', () => {
  const verdict = (name: string, ...caughtBy: string[]) => ({
    name,
    breaks: 'close',
    caughtBy: caughtBy.map((id) => ({ id, durationMs: 1 })),
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
    expect(lines.at(-2)).to.equal(
      `caught no mutant of its rule: ${all[0]} (--update looks at all of them)`,
    );
    expect(lines.at(-1)).to.equal(
      `killed 1 of 2, ${all.length - 1} of ${all.length} cases earn their place`,
    );
  });

  it('says on a line of its own how many were caught of those that were written blind', () => {
    const survivor = { set: 'b', name: 'sly', why: 'It lies (a field report)' } as const;
    const proof = { survivors: [survivor], total: 40 };
    expect(formatBlind(proof).split('\n')).to.deep.equal([
      'not caught (set b): sly: It lies (a field report)',
      'blind: killed 39 of 40',
    ]);
  });
});
