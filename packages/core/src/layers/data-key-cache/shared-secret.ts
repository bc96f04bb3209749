import { wipe } from '../../provider/bytes.js';
import { ProviderClosedError } from '../../provider/errors.js';
import { untilAborted } from '../../runtime/until-aborted.js';

/** How much of a secret may be used. */
export interface Allowance {
  readonly maximumUses: number;
  readonly maximumBytes: number;
}

/** What a driver returned, with the secret in it. */
export interface Secret {
  readonly plaintext: Uint8Array;
}

/**
 * A secret that several calls use: the provider is asked for it once, each call reserves its part of
 * the allowance before it waits, and the secret is wiped as soon as it was retired and the last call
 * that waits for it has had its turn.
 */
export class SharedSecret<Output extends Secret> {
  readonly #copy: (output: Output) => Output;
  readonly #allowance: Allowance;
  readonly #asking = new AbortController();
  readonly #arrival: Promise<void>;
  #secret: Output | undefined;
  #uses = 0;
  #bytes = 0;
  #waiting = 0;
  #isRetired = false;

  /**
   * @param ask Asks the provider; the signal is aborted when no call waits any more.
   * @param copy Copies what it returned, with memory of its own.
   */
  constructor(
    allowance: Allowance,
    ask: (signal: AbortSignal) => Promise<Output>,
    copy: (output: Output) => Output,
  ) {
    this.#allowance = allowance;
    this.#copy = copy;
    this.#arrival = ask(this.#asking.signal).then((secret) => {
      this.#secret = secret;
      this.#wipeWhenDone();
    });
    // Nobody may be waiting any more when it fails.
    this.#arrival.catch(() => {});
  }

  /** Whether nothing of the allowance is left. */
  get isSpent(): boolean {
    const { maximumUses, maximumBytes } = this.#allowance;
    return this.#uses >= maximumUses || this.#bytes >= maximumBytes;
  }

  /** A copy of the secret, while it is here. */
  copy(): Output | undefined {
    return this.#secret && this.#copy(this.#secret);
  }

  /** Takes a use and so many bytes off the allowance; gives false, and takes nothing, when they are not there. */
  reserve(bytes: number): boolean {
    const { maximumUses, maximumBytes } = this.#allowance;
    if (this.#uses >= maximumUses || this.#bytes + bytes > maximumBytes) return false;
    this.#uses += 1;
    this.#bytes += bytes;
    return true;
  }

  /** Settles as the provider's answer does; rejects when nobody needs the secret any more. */
  get arrival(): Promise<void> {
    return this.#arrival;
  }

  /**
   * Waits for the secret. When the last of the calls that wait is aborted, so is the call to the provider,
   * and `abandoned` is called.
   */
  async waitForCopy(signal: AbortSignal | undefined, abandoned: () => void): Promise<Output> {
    this.#waiting += 1;
    try {
      await (signal ? untilAborted(this.#arrival, signal) : this.#arrival);
      const copy = this.copy();
      // Handing out zeros instead would have somebody encrypt under an all-zero key.
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

  /** Says that no call will come for it any more. */
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
