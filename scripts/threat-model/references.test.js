import { expect } from 'chai';
import { checkReferences } from './references.js';

const SOURCE = `
describe('a thing', () => {
  it('does it', () => {});
  it("does not do what it can't", () => {});
  it(
    'does what takes a line of its own', () => {});
  it(\`does \${count} of \${kind}\`, () => {});
  it.skip('does nothing', () => {});
});
`;

describe('the references of the threat model', () => {
  const check = (page) =>
    checkReferences(page, {
      read: (file) => (file === 'a.test.ts' ? SOURCE : undefined),
      cases: ['CTX-203', 'INT-F03'],
    });

  it('are tests by file and title, and cases by id or by how they begin', () => {
    const page = `
      [\`does it\`](a.test.ts) [\`does not do what it can't\`](a.test.ts) [\`a thing\`](a.test.ts)
      [\`does what takes a line of its own\`](a.test.ts) [\`does … of …\`](a.test.ts)
      \`CTX-203\` \`INT-\``;
    expect(check(page)).to.deep.equal({ count: 7, problems: [] });
  });

  for (const [what, page, problem] of [
    ['a file that is gone', '[`does it`](b.test.ts)', 'there is no b.test.ts'],
    ['a test with another title', '[`does`](a.test.ts)', 'a.test.ts has no test "does"'],
    [
      'a test that is skipped',
      '[`does nothing`](a.test.ts)',
      'a.test.ts has no test "does nothing"',
    ],
    ['a case that does not exist', '`CTX-999`', 'there is no case CTX-999'],
  ]) {
    it(`do not match ${what}`, () => {
      expect(check(page).problems).to.deep.equal([problem]);
    });
  }

  it('are needed in every row of a table that says what shows it', () => {
    const rows = ['| cannot | shown by |', '| --- | --- |', '| fly | `CTX-203` |', '| swim | me |'];
    const page = [...rows, '', '| can | how |', '| walk | slowly |'].join('\n');
    expect(check(page).problems).to.deep.equal(['nothing shows: | swim | me |']);
  });
});
