/** The results of both sides in each round, in the unit of the benchmark. */
export interface Rounds {
  readonly ours: readonly number[];
  readonly reference: readonly number[];
}

/** The target: the allowed ratio of `ours` to `reference`. */
export type Target =
  /** The largest ratio. */
  | { readonly ratio: number }
  /** The largest difference, in the unit of the benchmark. */
  | { readonly more: number };

/** One line of the table. */
export interface Benchmark {
  /** Stable: `local-encrypt`. */
  readonly name: string;
  readonly unit: 'µs' | 'ms' | 'MiB';
  readonly ours: string;
  readonly reference: string;
  readonly target: Target;
  /** The missing requirement, as a sentence, if there is one; then the benchmark is skipped. */
  readonly missing?: string | undefined;
  /** Does the work, both sides in turn. */
  measure(): Promise<Rounds>;
  /** Removes everything kept between measurements; called at the end. */
  release?(): Promise<void>;
}

/** The JSON of one line. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  /** The median of the rounds. */
  readonly ours: number;
  /** The median of the rounds. */
  readonly reference: number;
  /** The median of the rounds' own ratios. */
  readonly ratio: number;
  /** Of the rounds' ratios: the distance from the first to the third quartile. */
  readonly spread: number;
  /** The largest `ratio`; where the benchmark is about a difference, the largest `ours - reference`. */
  readonly target: number;
  readonly ok: boolean;
}

/** Sums up the rounds of a benchmark. */
export function summarize({ name, unit, target }: Benchmark, rounds: Rounds): Result {
  const ratios = rounds.ours.map((ours, round) => ours / (rounds.reference[round] as number));
  const more = rounds.ours.map((ours, round) => ours - (rounds.reference[round] as number));
  const ratio = quantile(ratios, 0.5);
  return {
    name,
    unit,
    ours: quantile(rounds.ours, 0.5),
    reference: quantile(rounds.reference, 0.5),
    ratio,
    spread: quantile(ratios, 0.75) - quantile(ratios, 0.25),
    target: 'ratio' in target ? target.ratio : target.more,
    ok: 'ratio' in target ? ratio <= target.ratio : quantile(more, 0.5) <= target.more,
  };
}

/** Returns a quantile of the values, interpolated between two of them. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * part;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position % 1);
}
