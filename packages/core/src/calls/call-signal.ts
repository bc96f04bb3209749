import { reasonOf } from '../driver/classify-error.js';

/** The calls that a signal of callers can abort. */
interface Followers {
  readonly calls: Set<AbortController>;
  readonly abort: () => void;
}

const FOLLOWERS = new WeakMap<AbortSignal, Followers>();

/**
 * The signal of one call, aborted with its caller's and for the same reason. However many calls share the caller's, it
 * has one listener, since Node.js warns of more than ten; drivers and SDKs listen to that of the call.
 */
export class CallSignal {
  readonly #theirs: AbortSignal;
  readonly #own = new AbortController();

  /** @param theirs The caller's. */
  constructor(theirs: AbortSignal) {
    this.#theirs = theirs;
    const { calls } = FOLLOWERS.get(theirs) ?? follow(theirs);
    // The event may have come before.
    if (theirs.aborted) this.#own.abort(reasonOf(theirs));
    calls.add(this.#own);
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  /** Ends the call: nothing of it stays on the caller's signal. */
  end(): void {
    const followers = FOLLOWERS.get(this.#theirs);
    if (followers?.calls.delete(this.#own) !== true || followers.calls.size > 0) return;
    FOLLOWERS.delete(this.#theirs);
    try {
      this.#theirs.removeEventListener('abort', followers.abort);
    } catch {
      // A caller's imitation of a signal must not change what the call returns.
    }
  }
}

function follow(signal: AbortSignal): Followers {
  const calls = new Set<AbortController>();
  const abort = () => {
    for (const call of calls) call.abort(reasonOf(signal));
  };
  const followers = { calls, abort };
  signal.addEventListener('abort', abort, { once: true });
  FOLLOWERS.set(signal, followers);
  return followers;
}
