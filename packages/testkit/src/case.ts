import type { KeyWrapProvider, OwnedBytes } from '@keywrap/core';
import type { DataKeyCacheLimits } from '@keywrap/core/data-key-cache';
import type { CachedProvider } from './cached-provider.js';
import type { Outage } from './harness.js';
import type { KeyRing } from './key-ring.js';
import type { Need } from './needs.js';
import type { Profile } from './profile.js';

/** One rule of the contract for every provider, and its source. */
export interface ConformanceRule {
  /** A stable id: `plaintext-length`. */
  readonly id: string;
  readonly statement: string;
  /** The page of the AWS KMS documentation, the RFC, or the part of keywrap's contract. */
  readonly source: string;
  /** For rules that are checked by sampling: which defects are found, and how likely. */
  readonly power?: string;
}

/** One test, and the rule that it checks. */
export interface ConformanceCase {
  /** A stable id: `DEC-004`. */
  readonly id: string;
  /** The correct behaviour: `rejects a blob that another key made (INCORRECT_KEY)`. */
  readonly title: string;
  readonly rule: ConformanceRule;
  /** `should`: a provider that fails the case is correct, but not ideal. */
  readonly level: 'must' | 'should';
  /** The case is applicable only if all of these are met. */
  readonly needs: readonly Need[];
  /** The smallest profile that runs it. */
  readonly profile: Profile;
  /** True if no other case may run beside it: it patches a global, measures memory, or breaks the backend. */
  readonly alone: boolean;
  /** Rejects when the provider breaks the rule. */
  run(context: CaseContext): Promise<void>;
}

/** The environment of a case. */
export interface CaseContext {
  /** The provider under test. Its inputs and outputs are recorded, to find leaks. */
  readonly provider: KeyWrapProvider;
  readonly keys: KeyRing;
  /** The seed of random input, so that a run can be repeated. */
  readonly seed: number;
  /** The profile of the run: a case that draws samples draws more of them in `soak`. */
  readonly profile: Profile;
  /** Makes random printable bytes, which are easy to recognise in a leak. */
  secret(length?: number): OwnedBytes;
  /** Opens a provider for this case only, which may close it. The suite closes it at the end. */
  open(): Promise<Opened>;
  /** True if the harness opens another provider over the same keys. */
  readonly reopens: boolean;
  /** Opens another provider over the keys of the shared one, closed after the case; needs `reopen`. */
  reopen(): Promise<KeyWrapProvider>;
  /** Returns a closed provider. */
  closed(): Promise<KeyWrapProvider>;
  /** Wraps the provider under test, or another, in a data-key cache; needs `cache`. */
  cached(limits: DataKeyCacheLimits, provider?: KeyWrapProvider): CachedProvider;
}

/** A provider that was opened for one case. */
export interface Opened extends Pick<CaseContext, 'provider' | 'keys' | 'reopens' | 'reopen'> {
  /** The same provider, not recorded: the suite keeps nothing of its calls. */
  readonly bare: KeyWrapProvider;
  /** Closes the provider and releases what its harness holds for it. */
  close(): Promise<void>;
  /** Breaks its backend, until it is called with `undefined`; needs `fail`. */
  fail(outage: Outage | undefined): Promise<void>;
}

/** The fields of one case; by default it is a `must`, of every profile, and runs beside others. */
export type CaseInput = Pick<ConformanceCase, 'id' | 'title' | 'run'> &
  Partial<Pick<ConformanceCase, 'level' | 'needs' | 'profile' | 'alone'>>;

/** Makes the cases of one rule; `needs` apply to all of them. */
export function casesOf(
  rule: ConformanceRule,
  cases: readonly CaseInput[],
  needs: readonly Need[] = [],
): readonly ConformanceCase[] {
  return cases.map((each) => ({
    ...{ level: 'must', profile: 'quick', alone: false, ...each, rule },
    needs: [...new Set([...(each.needs ?? []), ...needs])],
  }));
}

/** Returns the URL of a page of the AWS KMS API reference. */
export function kmsApi(operation: string): string {
  return `https://docs.aws.amazon.com/kms/latest/APIReference/API_${operation}.html`;
}

/** Returns the URL of a page of the AWS KMS developer guide. */
export function kmsGuide(page: string): string {
  return `https://docs.aws.amazon.com/kms/latest/developerguide/${page}`;
}

/** The source of keywrap's own rules. */
export const CONTRACT = 'the contract of KeyWrapProvider in @keywrap/core';
