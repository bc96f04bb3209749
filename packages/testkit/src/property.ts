import fc from 'fast-check';
import type { CaseContext } from './case.js';
import { describeError, Mismatch } from './expect.js';

/** The time limit of random cases; they pass with fewer tries on a slow provider. */
const TIME_LIMIT_MS = 5000;

/** The number of tries of a random case. */
export interface PropertyOptions {
  readonly runs: number;
}

/**
 * Runs a check with random input, shrinks a failing input, and reports how to repeat it. The journal ends with the
 * smallest input, which is tried once more.
 */
export async function expectAlways<T>(
  { seed }: Pick<CaseContext, 'seed'>,
  arbitrary: fc.Arbitrary<T>,
  attempt: (value: T) => Promise<void>,
  { runs }: PropertyOptions,
): Promise<void> {
  const result = await fc.check(fc.asyncProperty(arbitrary, attempt), {
    seed,
    numRuns: runs,
    interruptAfterTimeLimit: TIME_LIMIT_MS,
  });
  if (!result.failed || result.counterexample === null) return;
  const [smallest] = result.counterexample;
  const error = await attempt(smallest).then(
    () => result.errorInstance,
    (again: unknown) => again,
  );
  const { expected, actual, cause } =
    error instanceof Mismatch
      ? error
      : { expected: 'success', actual: describeError(error), cause: error };
  throw new Mismatch(expected, `${actual} (random input; --seed ${seed} repeats it)`, cause);
}

/**
 * Every code point except surrogates. fast-check's own unit for this builds a table of all of them first, which takes
 * longer than the cases.
 */
const anyCharacter = fc
  .nat({ max: 0x10ffff - 0x800 })
  .map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));

/** Any well-formed text, short enough to shrink fast. */
export const anyText = fc.string({ unit: anyCharacter, maxLength: 12 });

/** Text of the few characters that serialisations use, so that different pairs look alike when joined. */
const trickyText = fc.string({
  unit: fc.constantFrom('a', 'b', 'A', ' ', '=', ',', ':', '"', '\0', '\u0001', 'é'),
  maxLength: 3,
});

const contextOf = (text: fc.Arbitrary<string>, minLength = 0) =>
  fc
    .uniqueArray(fc.tuple(text, text), { selector: ([key]) => key, minLength, maxLength: 5 })
    // JavaScript may lose this key; other cases cover it.
    .filter((pairs) => pairs.every(([key]) => key !== '__proto__'));

/** The pairs of an encryption context: any Unicode, or pairs that look alike. */
export const contextPairs = fc.oneof(contextOf(anyText), contextOf(trickyText));

type Pairs = readonly (readonly [key: string, value: string])[];

/** Returns different pairs that a careless serialisation would not distinguish. */
function neighboursOf(pairs: Pairs, glue: string): Pairs[] {
  const [[key, value] = ['', ''], ...others] = pairs;
  const [[nextKey, nextValue] = ['', ''], ...rest] = others;
  return [
    others,
    [...pairs, [`${key}${glue}`, '']],
    [[key, value + glue], ...others],
    [[key.toUpperCase(), value], ...others],
    [[key, value.normalize('NFD')], ...others],
    [[key + value.slice(0, 1), value.slice(1)], ...others],
    [[key.slice(0, -1), key.slice(-1) + value], ...others],
    [[value, key], ...others],
    [[key, [value, nextKey, nextValue].join(glue)], ...rest],
    [[key, nextValue], [nextKey, value], ...rest],
  ];
}

/** Returns the pairs with two of them joined into one. */
const JOINED = 8;

/** Two different contexts that some serialisations would not distinguish. */
export const differentPairs = fc
  .tuple(
    contextOf(trickyText, 2),
    // Joined pairs are the most likely mistake.
    fc.oneof(
      { weight: 1, arbitrary: fc.nat({ max: 9 }) },
      { weight: 1, arbitrary: fc.constant(JOINED) },
    ),
    fc.constantFrom('', '=', ',', ':', '"', '\0'),
  )
  .map(([pairs, kind, glue]) => [pairs, neighboursOf(pairs, glue)[kind] ?? []] as const)
  .filter(([one, other]) => canonical(one) !== canonical(other));

function canonical(pairs: Pairs): string {
  return JSON.stringify(Object.entries(Object.fromEntries(pairs)).sort());
}

/** Plaintexts of any length for a symmetric key, mostly short ones. */
export const anyPlaintext = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 64 }),
  fc.uint8Array({ minLength: 1, maxLength: 4096, size: 'max' }),
);
