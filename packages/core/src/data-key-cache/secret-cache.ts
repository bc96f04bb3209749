import { LRUCache } from 'lru-cache';
import type { CacheSettings } from './limits.js';
import { type Allowance, SharedSecret } from './shared-secret.js';

/** What a call wants of the cache. */
export interface Wanted<Secret, Result> {
  /** Equal for those calls, and only those, that may have the same secret. */
  readonly key: string;
  /** How many bytes the call will encrypt with it. */
  readonly bytes: number;
  /** Gets the secret from the provider. */
  readonly ask: (signal: AbortSignal) => Promise<Secret>;
  /** Makes the call's own result of it. */
  readonly take: (secret: Secret) => Result;
  readonly signal: AbortSignal | undefined;
}

/**
 * Secrets by key: those that have arrived, in an LRU cache that knows their age, and those that were
 * asked for. Whatever leaves is wiped. A failure is not kept: the next call asks again.
 */
export class SecretCache<Secret extends Disposable> {
  readonly #allowance: Allowance;
  readonly #arrived: LRUCache<string, SharedSecret<Secret>>;
  readonly #asked = new Map<string, SharedSecret<Secret>>();

  constructor(
    allowance: Allowance,
    { maximumEntries, maximumAge, now }: Omit<CacheSettings, keyof Allowance>,
  ) {
    this.#allowance = allowance;
    this.#arrived = new LRUCache({
      max: maximumEntries,
      ttl: maximumAge,
      // By the clock of each call, and not by one that is up to a millisecond old.
      ttlResolution: 0,
      // What nobody asks for again must not stay in memory either.
      ttlAutopurge: true,
      // lru-cache takes a start of 0 for an entry without an age.
      perf: { now: () => now() + 1 },
      dispose: (shared) => shared.retire(),
    });
  }

  /** Rejects as `ask` does, and with `AbortError` when the signal is aborted before the secret is there. */
  async get<Result>(wanted: Wanted<Secret, Result>): Promise<Result> {
    const { key, bytes, take, signal } = wanted;
    const arrived = this.#arrived.get(key);
    if (arrived?.value !== undefined && arrived.reserve(bytes)) {
      const result = take(arrived.value);
      if (arrived.isSpent) this.#arrived.delete(key);
      return result;
    }
    this.#arrived.delete(key);
    const asked = this.#join(wanted);
    return asked.take(take, signal, () => this.#forget(key, asked));
  }

  /** Wipes what is here; what was asked for is wiped when the calls that wait for it have had it. */
  clear(): void {
    this.#arrived.clear();
    for (const [key, asked] of this.#asked) this.#forget(key, asked);
  }

  #join<Result>({ key, bytes, ask }: Wanted<Secret, Result>): SharedSecret<Secret> {
    const current = this.#asked.get(key);
    if (current?.reserve(bytes)) return current;
    if (current !== undefined) this.#forget(key, current);
    const asked = new SharedSecret(this.#allowance, ask);
    asked.reserve(bytes);
    this.#asked.set(key, asked);
    asked.arrival.then(
      () => this.#keep(key, asked),
      () => this.#forget(key, asked),
    );
    return asked;
  }

  #keep(key: string, asked: SharedSecret<Secret>): void {
    if (this.#asked.get(key) !== asked) return;
    this.#asked.delete(key);
    if (asked.isSpent) asked.retire();
    else this.#arrived.set(key, asked);
  }

  /** Calls that already wait for it still get it. */
  #forget(key: string, asked: SharedSecret<Secret>): void {
    if (this.#asked.get(key) === asked) this.#asked.delete(key);
    asked.retire();
  }
}
