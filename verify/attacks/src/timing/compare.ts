import {
  cumulativeStdNormalProbability,
  median,
  quantile,
  sampleWithReplacement,
  wilcoxonRankSum,
} from 'simple-statistics';

/** The difference between the times of two classes. It is based on ranks, which a few slow calls do not move. */
export interface Comparison {
  /** Of the class over that of the reference. */
  readonly medianRatio: number;
  /** 99 % of the ratios of a bootstrap lie between these. */
  readonly interval: readonly [low: number, high: number];
  /** The chance that a call of the class takes longer than one of the reference: 0.5 if they are indistinguishable. */
  readonly superiority: number;
  /** Two-sided, of Mann and Whitney's test. */
  readonly p: number;
}

const RESAMPLES = 400;

export function compare(times: readonly number[], reference: readonly number[]): Comparison {
  const [a, b] = [[...times], [...reference]];
  const ratios = Array.from(
    { length: RESAMPLES },
    () => median(sampleWithReplacement(a, a.length)) / median(sampleWithReplacement(b, b.length)),
  );
  const pairs = a.length * b.length;
  const u = wilcoxonRankSum(a, b) - (a.length * (a.length + 1)) / 2;
  const deviation = Math.sqrt((pairs * (a.length + b.length + 1)) / 12);
  const z = Math.abs(u - pairs / 2) / deviation;
  return {
    medianRatio: median(a) / median(b),
    interval: [quantile(ratios, 0.005), quantile(ratios, 0.995)],
    superiority: u / pairs,
    p: 2 * (1 - cumulativeStdNormalProbability(z)),
  };
}

/** The ratio up to which two classes count as alike: a smaller one is not visible over a network. */
export const GROSS = 1.5;
/** The ratio from which a known difference counts as detected. */
export const VISIBLE = 1.1;

/** Tells whether the times differ by more than this ratio, beyond chance. */
export function differs({ interval: [low, high] }: Comparison, ratio: number): boolean {
  return low > ratio || high < 1 / ratio;
}
