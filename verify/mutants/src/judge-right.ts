import { UnsupportedOperationError } from '@keywrap/core';
import {
  type ConformanceSubject,
  type Outage,
  type Profile,
  runConformance,
} from '@keywrap/testkit';
import { openRight } from './blind/index.js';
import { SEED } from './judge.js';
import { replaced, wrapped } from './mutant.js';

/** Right providers that mutants were made from: a case that fails for one of them proves nothing. */
export const ORIGINALS: readonly { readonly name: string; open(): ConformanceSubject }[] = [
  { name: 'the reference driver, its provider replaced', open: wrapped('', '', () => ({})).open },
  {
    name: 'the provider of those that were written blind',
    open: () => withoutAnswers(openRight()),
  },
];

/** Runs all cases of a profile on a right provider; returns the required ones that fail. */
export async function judgeRight(
  { name, open }: (typeof ORIGINALS)[number],
  profile: Profile,
): Promise<readonly string[]> {
  const { results } = await runConformance(
    { name, open: async () => open() },
    { profile, seed: SEED },
  );
  return results
    .filter(({ level, status }) => level === 'must' && status === 'failed')
    .map(({ id, error }) => `${id}: ${error?.actual} (${name})`);
}

/** Declines the outage in which the backend answers that it failed: those that were written blind do not know it. */
export function withoutAnswers(subject: ConformanceSubject): ConformanceSubject {
  if (subject.fail === undefined) return subject;
  return replaced(subject, {
    fail: (outage?: Outage) => {
      if (outage === 'failed') throw new UnsupportedOperationError('no such answer');
      return subject.fail?.(outage);
    },
  });
}
