import type { KeyWrapProvider } from '@keywrap/core';
import type { DataKeyCacheLimits } from '@keywrap/core/data-key-cache';
import type { CachedProvider } from './cached-provider.js';
import type { KeyRing } from './key-ring.js';
import type { Need } from './needs.js';

/** One line of the contract: what every provider keeps to, and where that comes from. */
export interface ConformanceRule {
  /** Stable: `plaintext-length`. */
  readonly id: string;
  readonly statement: string;
  /** The page of the AWS KMS documentation, the RFC, or the part of keywrap's contract. */
  readonly source: string;
}

/** One thing to try, and the rule that it checks. */
export interface ConformanceCase {
  /** Stable: `DEC-004`. */
  readonly id: string;
  /** What the provider does when it is right: `refuses a blob that another key made (INCORRECT_KEY)`. */
  readonly title: string;
  readonly rule: ConformanceRule;
  /** `should`: a provider that does otherwise is still correct, but worse. */
  readonly level: 'must' | 'should';
  /** Without all of these the case is not applicable. */
  readonly needs: readonly Need[];
  /** Rejects when the provider breaks the rule. */
  run(context: CaseContext): Promise<void>;
}

/** What a case works with. */
export interface CaseContext {
  /** The provider under test. What it is given and gives back is written down, to look for leaks. */
  readonly provider: KeyWrapProvider;
  readonly keys: KeyRing;
  /** What a case that tries random input begins with, so that a run can be repeated. */
  readonly seed: number;
  /** Random printable bytes: easy to recognise where they should not be. */
  secret(length?: number): Uint8Array;
  /** Opens a provider for this case alone, which may close it; the suite closes it in the end. */
  open(): Promise<Pick<CaseContext, 'provider' | 'keys'>>;
  /** A provider that was closed. */
  closed(): Promise<KeyWrapProvider>;
  /** A data-key cache, in front of the provider under test or of another; needs `cache`. */
  cached(limits: DataKeyCacheLimits, provider?: KeyWrapProvider): CachedProvider;
}

/** What differs from case to case; `must` is the rule. */
export type CaseInput = Pick<ConformanceCase, 'id' | 'title' | 'run'> &
  Partial<Pick<ConformanceCase, 'level' | 'needs'>>;

/** The cases of one rule; `needs` are those of all of them. */
export function casesOf(
  rule: ConformanceRule,
  cases: readonly CaseInput[],
  needs: readonly Need[] = [],
): readonly ConformanceCase[] {
  return cases.map((each) => ({
    ...{ level: 'must', ...each, rule },
    needs: [...new Set([...needs, ...(each.needs ?? [])])],
  }));
}

/** A page of the AWS KMS API reference. */
export function kmsApi(operation: string): string {
  return `https://docs.aws.amazon.com/kms/latest/APIReference/API_${operation}.html`;
}

/** A page of the AWS KMS developer guide. */
export function kmsGuide(page: string): string {
  return `https://docs.aws.amazon.com/kms/latest/developerguide/${page}`;
}

/** Where a rule is keywrap's own. */
export const CONTRACT = 'the contract of KeyWrapProvider in @keywrap/core';
