import { readFileSync } from 'node:fs';
import { conformanceCases } from '@keywrap/testkit';
import { expect } from 'chai';

const README = readFileSync(new URL('../../core/README.md', import.meta.url), 'utf8');
const rules = [...new Set(conformanceCases.map(({ rule }) => rule))];

describe('the contract', () => {
  it("has a line in core's README for every rule whose source it is, and for every rule with a stated power", () => {
    const missing = rules
      .filter(({ source, power }) => source.startsWith('the contract') || power !== undefined)
      .filter(({ id }) => !README.includes(`\`${id}\``))
      .map(({ id }) => id);
    expect(missing).to.deep.equal([]);
  });

  it('names no rule there that the suite does not have', () => {
    const section = README.split('## The rules of the contract')[1]?.split('\n## ')[0] ?? '';
    const named = section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([a-z-]+)`/g)])
      .map(([, id]) => id);
    expect(named).to.have.length.greaterThan(30);
    expect(named.filter((id) => !rules.some((rule) => rule.id === id))).to.deep.equal([]);
  });
});
