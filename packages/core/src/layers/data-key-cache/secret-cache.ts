import { LRUCache } from 'lru-cache';
import type { Call } from '../../driver/requests.js';
import type { CacheSettings } from './limits.js';
import { type Secret, SharedSecret } from './shared-secret.js';

/** Gets a secret from the provider. */
type Ask<Output> = (signal: AbortSignal) => Promise<Output>;

/**
 * Keeps secrets by key: present ones in an LRU cache with their age, and requested ones. A secret that leaves is
 * wiped. A failure is not kept: the next call requests the secret again.
 */
export class SecretCache<Output extends Secret> {
  readonly #settings: CacheSettings;
  readonly #copy: (output: Output) => Output;
  readonly #arrived: LRUCache<string, SharedSecret<Output>>;
  readonly #asked = new Map<string, SharedSecret<Output>>();

  /** @param copy Copies a secret into memory that it owns. */
  constructor(settings: CacheSettings, copy: (output: Output) => Output) {
    const { maximumEntries, maximumAge, now } = settings;
    this.#settings = settings;
    this.#copy = copy;
    this.#arrived = new LRUCache({
      max: maximumEntries,
      ttl: maximumAge,
      // Use the clock of each call, not one that is up to a millisecond old.
      ttlResolution: 0,
      // A secret that is not requested again must not stay in memory either.
      ttlAutopurge: true,
      // lru-cache treats a start of 0 as an entry without an age.
      perf: { now: () => now() + 1 },
      dispose: (shared) => shared.retire(),
    });
  }

  /** Returns a copy of the secret, if it is present and its allowance suffices. */
  find(key: string, bytes: number): Output | undefined {
    const shared = this.#arrived.get(key);
    if (shared === undefined) return undefined;
    const copy = shared.reserve(bytes) ? shared.copy() : undefined;
    if (copy === undefined || shared.isSpent) this.#arrived.delete(key);
    return copy;
  }

  /**
   * Requests the secret from the provider, shared with concurrent calls. Rejects as `ask` does, or with `AbortError`.
   *
   * @param key Equal for exactly those calls that may share a secret.
   * @param bytes The number of bytes that the call will encrypt with it.
   */
  ask(key: string, bytes: number, ask: Ask<Output>, signal: Call['signal']): Promise<Output> {
    const asked = this.#join(key, bytes, ask);
    return asked.waitForCopy(signal, () => this.#forget(key, asked));
  }

  /** Wipes the present secrets; requested ones are wiped after the waiting calls got them. */
  clear(): void {
    this.#arrived.clear();
    for (const [key, asked] of this.#asked) this.#forget(key, asked);
  }

  #join(key: string, bytes: number, ask: Ask<Output>): SharedSecret<Output> {
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

  /** Removes a secret; calls that already wait for it still get it. */
  #forget(key: string, asked: SharedSecret<Output>): void {
    if (this.#asked.get(key) === asked) this.#asked.delete(key);
    asked.retire();
  }
}
