import { UnsupportedOperationError } from '@keywrap/core';
import type { ConformanceHarness, ConformanceSubject, Outage } from '@keywrap/testkit';
import { openRight } from './blind/index.js';
import { replaced, wrapped } from './mutant.js';

/**
 * Right providers that the mutants were made from. A case that fails for one of them proves nothing:
 * `npm run test:right` runs the suite on them.
 */
export const ORIGINALS: readonly ConformanceHarness[] = [
  {
    name: 'the reference driver, its provider replaced',
    open: async () => wrapped('', '', () => ({})).open(),
  },
  {
    name: 'the provider of those that were written blind',
    open: async () => withoutAnswers(openRight()),
  },
];

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
