import { untilAborted } from '../../calls/until-aborted.js';
import type { DecryptOutput } from '../../driver/requests.js';
import { wipe } from '../../provider/bytes.js';
import { ProviderClosedError } from '../../provider/errors.js';
import type { DataKeyCacheLimits } from './limits.js';

type Allowance = Pick<DataKeyCacheLimits, 'maximumUses' | 'maximumBytes'>;

/** A driver's output that contains the secret. */
export type Secret = Pick<DecryptOutput, 'plaintext'>;

/**
 * A secret that several calls use. It is requested once; each call reserves its part of the allowance before it
 * waits; the secret is wiped once it is retired and the last waiting call has got it.
 */
export class SharedSecret<Output extends Secret> {
  readonly #copy: (output: Output) => Output;
  readonly #allowance: Allowance;
  readonly #asking = new AbortController();
  /** Settles with the provider's call; rejects when no call waits for the secret. */
  readonly arrival: Promise<void>;
  #secret: Output | undefined;
  #uses = 0;
  #bytes = 0;
  #waiting = 0;
  #isRetired = false;

  /**
   * @param ask Calls the provider; the signal is aborted when no call waits.
   * @param copy Copies the output into memory that it owns.
   */
  constructor(
    allowance: Allowance,
    ask: (signal: AbortSignal) => Promise<Output>,
    copy: (output: Output) => Output,
  ) {
    this.#allowance = allowance;
    this.#copy = copy;
    this.arrival = ask(this.#asking.signal).then((secret) => {
      this.#secret = secret;
      this.#wipeWhenDone();
    });
    // There may be no waiting call when it fails.
    this.arrival.catch(() => {});
  }

  /** True if the allowance is used up. */
  get isSpent(): boolean {
    const { maximumUses, maximumBytes } = this.#allowance;
    return this.#uses >= maximumUses || this.#bytes >= maximumBytes;
  }

  /** Returns a copy of the secret, while it is present. */
  copy(): Output | undefined {
    return this.#secret && this.#copy(this.#secret);
  }

  /** Reserves a use and its bytes of the allowance; returns false, and reserves nothing, if they exceed it. */
  reserve(bytes: number): boolean {
    const { maximumUses, maximumBytes } = this.#allowance;
    if (this.#uses >= maximumUses || this.#bytes + bytes > maximumBytes) return false;
    this.#uses += 1;
    this.#bytes += bytes;
    return true;
  }

  /**
   * Waits for the secret. When the last waiting call is aborted, the call to the provider is aborted too, and
   * `abandoned` is called.
   */
  async waitForCopy(signal: AbortSignal | undefined, abandoned: () => void): Promise<Output> {
    this.#waiting += 1;
    try {
      await (signal ? untilAborted(this.arrival, signal) : this.arrival);
      const copy = this.copy();
      // Returning zeros instead would make a caller encrypt under an all-zero key.
      if (copy === undefined) throw new ProviderClosedError('this secret was disposed');
      return copy;
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0 && this.#secret === undefined) {
        abandoned();
        this.#asking.abort();
      }
      this.#wipeWhenDone();
    }
  }

  /** Marks the secret as unavailable for new calls. */
  retire(): void {
    this.#isRetired = true;
    this.#wipeWhenDone();
  }

  #wipeWhenDone(): void {
    if (!this.#isRetired || this.#waiting > 0 || this.#secret === undefined) return;
    wipe(this.#secret.plaintext);
    this.#secret = undefined;
  }
}
