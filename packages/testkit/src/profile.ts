/** The profiles, from the smallest on; each runs the cases of those before it too. */
export const PROFILES = ['quick', 'full', 'soak'] as const;

/**
 * How much a run does. `quick` omits what is slow, such as RSA key pairs: use it while you write a provider. `full` runs
 * every case; `soak` adds those that take minutes, and draws more samples in the statistical ones.
 */
export type Profile = (typeof PROFILES)[number];

/** Returns true if a run of a profile includes the cases of another. */
export function includes(run: Profile, smallest: Profile): boolean {
  return PROFILES.indexOf(smallest) <= PROFILES.indexOf(run);
}
