import { InvalidInputError } from '../../provider/errors.js';
import { readFields } from '../../provider/read-fields.js';

/**
 * How far a key in a data-key cache may go; every one of the three is kept exactly. They are those of
 * the AWS Encryption SDK
 * ([security thresholds](https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/thresholds.html)).
 */
export interface DataKeyCacheLimits {
  /**
   * How many calls may get the same generated data key: 1 to 2^32, the number of messages that one
   * AES-GCM key may encrypt under random nonces (NIST SP 800-38D §8.3). Opened keys are only limited
   * by their age, because opening data again does not wear its key out.
   */
  readonly maximumUses: number;
  /** How many bytes the calls that get the same generated data key may encrypt in all: 1 to 2^53 - 1. */
  readonly maximumBytes: number;
  /**
   * For how long a key may be used after the provider answered, in milliseconds: 1 to 2147483647, the
   * longest that a timer waits. For as long, what happens to the key that wraps it goes unnoticed: it
   * is disabled, its alias is moved, the permission to use it is taken away.
   */
  readonly maximumAge: number;
}

/** What else can be set for a data-key cache. */
export interface DataKeyCacheOptions {
  /**
   * How many generated keys the cache holds at once, and as many opened ones; the one that was not used
   * for longest leaves first. 1 to 1000000; by default 1000.
   */
  readonly maximumEntries?: number | undefined;
  /** The clock, in milliseconds from any start; it must not go back. By default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** The limits and options, checked and complete. */
export type CacheSettings = Required<DataKeyCacheLimits> & {
  readonly maximumEntries: number;
  readonly now: () => number;
};

const DEFAULT_ENTRIES = 1000;

/** @throws {@link InvalidInputError} */
export function readCacheSettings(limits: unknown, options: unknown = {}): CacheSettings {
  const three = readFields(limits, 'limits', ['maximumUses', 'maximumBytes', 'maximumAge']);
  const { maximumEntries, now } = readFields(options, 'options', ['maximumEntries', 'now']);
  if (now !== undefined && typeof now !== 'function') {
    throw new InvalidInputError('options.now', 'must be a function that returns milliseconds');
  }
  return {
    maximumUses: readCount(three.maximumUses, 'limits.maximumUses', 2 ** 32),
    maximumBytes: readCount(three.maximumBytes, 'limits.maximumBytes', Number.MAX_SAFE_INTEGER),
    maximumAge: readCount(three.maximumAge, 'limits.maximumAge', 2 ** 31 - 1),
    maximumEntries: readCount(
      maximumEntries ?? DEFAULT_ENTRIES,
      'options.maximumEntries',
      1_000_000,
    ),
    now: (now as (() => number) | undefined) ?? (() => performance.now()),
  };
}

function readCount(value: unknown, field: string, maximum: number): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= maximum) {
    return value as number;
  }
  throw new InvalidInputError(field, `must be an integer from 1 to ${maximum}`);
}
