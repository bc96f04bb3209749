import { expect } from 'chai';
import { compare, differs, GROSS, VISIBLE } from '#dist/timing/compare.js';

/** Times around a median, with a call now and then that takes much longer; the same in every run. */
const times = (around: number) =>
  Array.from(
    { length: 400 },
    (_, i) => around * (1 + ((i * 37) % 100) / 1000) + (i % 50 ? 0 : 900),
  );

// npm run test:timing judges real times with these; here they judge made ones.
describe('The comparison of times', () => {
  it('finds nothing between classes that take the same time', () => {
    const comparison = compare(times(100), times(100));
    expect(comparison.medianRatio).to.equal(1);
    expect(comparison.superiority).to.be.closeTo(0.5, 0.001);
    expect(comparison.p).to.be.greaterThan(0.9);
    expect(differs(comparison, VISIBLE)).to.equal(false);
  });

  it('detects a difference in either direction, and recognises a gross one', () => {
    expect(differs(compare(times(120), times(100)), VISIBLE)).to.equal(true);
    expect(differs(compare(times(120), times(100)), GROSS)).to.equal(false);
    for (const [a, b] of [
      [170, 100],
      [100, 170],
    ] as const) {
      const comparison = compare(times(a), times(b));
      expect(differs(comparison, GROSS)).to.equal(true);
      expect(comparison.p).to.be.lessThan(0.01);
    }
  });
});
