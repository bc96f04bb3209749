import { InvalidInputError } from '../../provider/errors.js';
import { readFields } from '../../provider/read-fields.js';
import { readCount, readDelay } from '../../provider/read-options.js';

/**
 * Limits for a cached data key. All three are enforced exactly. They are those of the AWS Encryption SDK
 * ([security thresholds](https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/thresholds.html)).
 */
export interface DataKeyCacheLimits {
  /**
   * The number of calls that may get the same generated data key: 1 to 2^32, the number of messages that one
   * AES-GCM key may encrypt under random nonces (NIST SP 800-38D §8.3). Decrypted keys are limited only
   * by their age, because decrypting does not wear a key out.
   */
  readonly maximumUses: number;
  /** The total bytes that the calls with the same generated data key may encrypt: 1 to 2^53 - 1. */
  readonly maximumBytes: number;
  /**
   * How long a key may be used after the provider's response, in milliseconds: 1 to 2147483647, the maximum of a
   * timer. Until then, changes of the wrapping key have no effect: that it is disabled, that its alias is moved,
   * that the permission to use it is revoked.
   */
  readonly maximumAge: number;
}

/** A call that a data-key cache could serve. */
export interface CacheLookup {
  readonly operation: 'generateDataKey' | 'decrypt';
  /** True if the key was in the cache; false if the call asked the provider, or waited for one that did. */
  readonly hit: boolean;
}

/** Other options of a data-key cache. */
export interface DataKeyCacheOptions {
  /**
   * The maximum number of generated keys in the cache, and of decrypted ones; the least recently used is evicted
   * first. 1 to 1000000; by default 1000.
   */
  readonly maximumEntries?: number | undefined;
  /** The clock, in milliseconds from any start; it must not go back. By default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Told of each call that the cache could serve, to count hits and misses. It must not throw. */
  readonly onLookup?: ((lookup: CacheLookup) => void) | undefined;
}

/** The limits and options, checked and complete. */
export type CacheSettings = Required<DataKeyCacheLimits> & {
  readonly maximumEntries: number;
  readonly now: () => number;
  readonly onLookup: ((lookup: CacheLookup) => void) | undefined;
};

/** @throws {@link InvalidInputError} */
export function readCacheSettings(limits: unknown, options: unknown = {}): CacheSettings {
  const three = readFields(limits, 'limits', ['maximumUses', 'maximumBytes', 'maximumAge']);
  const names = ['maximumEntries', 'now', 'onLookup'] as const;
  const { maximumEntries, now, onLookup } = readFields(options, 'options', names);
  if (now !== undefined && typeof now !== 'function') {
    throw new InvalidInputError('options.now', 'must be a function that returns milliseconds');
  }
  if (onLookup !== undefined && typeof onLookup !== 'function') {
    throw new InvalidInputError('options.onLookup', 'must be a function');
  }
  return {
    onLookup: onLookup as CacheSettings['onLookup'],
    maximumUses: readCount(three.maximumUses, 'limits.maximumUses', 2 ** 32),
    maximumBytes: readCount(three.maximumBytes, 'limits.maximumBytes', Number.MAX_SAFE_INTEGER),
    maximumAge: readDelay(three.maximumAge, 'limits.maximumAge'),
    maximumEntries: readCount(maximumEntries ?? 1000, 'options.maximumEntries', 1_000_000),
    now: (now as (() => number) | undefined) ?? (() => performance.now()),
  };
}
