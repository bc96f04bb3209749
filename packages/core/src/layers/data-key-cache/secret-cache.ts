import { LRUCache } from 'lru-cache';
import type { CacheSettings } from './limits.js';
import { type Secret, SharedSecret } from './shared-secret.js';

/** What a call wants that the cache does not have. */
export interface Wanted<Output> {
  /** Equal for those calls, and only those, that may have the same secret. */
  readonly key: string;
  /** How many bytes the call will encrypt with it. */
  readonly bytes: number;
  /** Gets the secret from the provider. */
  readonly ask: (signal: AbortSignal) => Promise<Output>;
}

/**
 * Secrets by key: those that have arrived, in an LRU cache that knows their age, and those that were
 * asked for. Whatever leaves is wiped. A failure is not kept: the next call asks again.
 */
export class SecretCache<Output extends Secret> {
  readonly #settings: CacheSettings;
  readonly #copy: (output: Output) => Output;
  readonly #arrived: LRUCache<string, SharedSecret<Output>>;
  readonly #asked = new Map<string, SharedSecret<Output>>();

  /** @param copy Copies a secret, with memory of its own. */
  constructor(settings: CacheSettings, copy: (output: Output) => Output) {
    const { maximumEntries, maximumAge, now } = settings;
    this.#settings = settings;
    this.#copy = copy;
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

  /** A copy of the secret, if it is here and its allowance has so much left. */
  find(key: string, bytes: number): Output | undefined {
    const shared = this.#arrived.get(key);
    if (shared === undefined) return undefined;
    const copy = shared.reserve(bytes) ? shared.copy() : undefined;
    if (copy === undefined || shared.isSpent) this.#arrived.delete(key);
    return copy;
  }

  /** Gets the secret from the provider, together with others that want it. Rejects as `ask` does, or with `AbortError`. */
  ask(wanted: Wanted<Output>, signal: AbortSignal | undefined): Promise<Output> {
    const asked = this.#join(wanted);
    return asked.waitForCopy(signal, () => this.#forget(wanted.key, asked));
  }

  /** Wipes what is here; what was asked for is wiped when the calls that wait for it have had it. */
  clear(): void {
    this.#arrived.clear();
    for (const [key, asked] of this.#asked) this.#forget(key, asked);
  }

  #join({ key, bytes, ask }: Wanted<Output>): SharedSecret<Output> {
    const current = this.#asked.get(key);
    if (current?.reserve(bytes)) return current;
    if (current !== undefined) this.#forget(key, current);
    const asked = new SharedSecret(this.#settings, ask, this.#copy);
    asked.reserve(bytes);
    this.#asked.set(key, asked);
    asked.arrival.then(
      () => this.#keep(key, asked),
      () => this.#forget(key, asked),
    );
    return asked;
  }

  #keep(key: string, asked: SharedSecret<Output>): void {
    if (this.#asked.get(key) !== asked) return;
    this.#asked.delete(key);
    if (asked.isSpent) asked.retire();
    else this.#arrived.set(key, asked);
  }

  /** Calls that already wait for it still get it. */
  #forget(key: string, asked: SharedSecret<Output>): void {
    if (this.#asked.get(key) === asked) this.#asked.delete(key);
    asked.retire();
  }
}
