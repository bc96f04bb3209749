import { runConformance } from '@keywrap/testkit';
import { expect } from 'chai';
import { mutants } from '#dist/index.js';

const lossy = mutants.find(({ name }) => name === 'pairs joined with "="');
const harness = { name: 'lossy', open: async () => lossy?.open() as never };

describe('random cases', () => {
  it('say with which seed they failed, and fail the same way with it again', async () => {
    const run = async (seed: number) => {
      const { results } = await runConformance(harness, { only: ['RND-003'], seed });
      return results[0]?.error;
    };
    const [first, again] = [await run(11), await run(11)];
    expect(first?.actual).to.equal('success (random input; --seed 11 repeats it)');
    const contexts = (calls: readonly string[] = []) =>
      calls.map((call) => /encryptionContext: \{[^}]*\}/.exec(call)?.[0]);
    expect(contexts(first?.calls)).to.deep.equal(contexts(again?.calls));
  });

  it('end with the smallest input that fails', async () => {
    const { results } = await runConformance(harness, { only: ['RND-003'], seed: 3 });
    const calls = results[0]?.error?.calls ?? [];
    expect(calls.at(-1)).to.match(/^decrypt\(.*\) -> DecryptResult$/);
    const context = /encryptionContext: (\{[^}]*\})/.exec(calls.at(-1) ?? '')?.[1];
    expect(context?.length).to.be.greaterThan(0).and.lessThan(40);
  });
});
