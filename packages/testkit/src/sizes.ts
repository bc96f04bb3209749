import type { CaseContext } from './case.js';

/**
 * Returns sizes from 1 to a maximum where implementations differ: all to 65, those next to powers of two, and one of so
 * many others, which the seed chooses.
 *
 * @param oneOf How many others there are for each that is tried, in full and in soak.
 */
export function sizesUpTo(
  maximum: number,
  { profile, seed }: Pick<CaseContext, 'profile' | 'seed'>,
  oneOf: { readonly full: number; readonly soak: number },
): number[] {
  const step = profile === 'soak' ? oneOf.soak : oneOf.full;
  const all = Array.from({ length: maximum }, (_, i) => i + 1);
  return all.filter(
    (size) => size <= 65 || isNextToPowerOfTwo(size) || (size + (seed % step)) % step === 0,
  );
}

function isNextToPowerOfTwo(size: number): boolean {
  return [size - 1, size, size + 1].some((each) => (each & (each - 1)) === 0);
}
