import { expect } from 'chai';
import { type Benchmark, quantile, summarize } from '#dist/benchmark.js';
import { benchmarks } from '#dist/benchmarks.js';
import { drawPicture } from '#dist/picture.js';
import { formatTable } from '#dist/table.js';

const benchmark: Benchmark = {
  name: 'example',
  unit: 'µs',
  ours: 'ours',
  reference: 'theirs',
  target: { ratio: 1.3 },
  measure: async () => ROUNDS,
};
const ROUNDS = { ours: [12, 10, 11, 50, 13], reference: [10, 10, 10, 10, 10] };

describe('the report of the benchmarks', () => {
  it('takes medians, so that one disturbed round does not count', () => {
    const result = summarize(benchmark, ROUNDS);
    expect(result).to.deep.include({ name: 'example', unit: 'µs', ours: 12, reference: 10 });
    expect(result).to.deep.include({ ratio: 1.2, target: 1.3, ok: true });
    expect(result.spread).to.be.closeTo(0.2, 1e-9);
  });

  it('judges a difference by the difference', () => {
    const target = { more: 1 };
    expect(summarize({ ...benchmark, target }, ROUNDS)).to.include({ target: 1, ok: false });
    expect(summarize({ ...benchmark, target: { more: 2 } }, ROUNDS).ok).to.equal(true);
  });

  it('interpolates quantiles', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).to.equal(2.5);
    expect(quantile([1, 2, 3], 1)).to.equal(3);
  });

  it('shows a benchmark that could not run as failed', () => {
    const outcomes = [
      { benchmark, result: summarize(benchmark, ROUNDS) },
      { benchmark, result: new Error('no server') },
    ];
    expect(formatTable(outcomes).split('\n')).to.deep.equal([
      '| name    | ours    | reference | ratio | spread | target | ok  |',
      '| ------- | ------- | --------- | ----- | ------ | ------ | --- |',
      '| example | 12.0 µs | 10.0 µs   | 1.20  | ± 0.10 | ≤ 1.30 | yes |',
      '| example | failed  |           |       |        | ≤ 1.30 | no  |',
    ]);
    expect(drawPicture(outcomes)).to.match(/^<svg .*<\/svg>\n$/s);
  });

  it('has a distinct name for each benchmark', () => {
    const names = benchmarks.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });
});
