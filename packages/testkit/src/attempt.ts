import { Mismatch } from './expect.js';
import { intercept } from './intercept.js';

/** The clock, also while a case has stopped it. */
const now = performance.now.bind(performance);

/** Rejects every call of a case that was stopped. */
export class CaseStopped extends Error {
  override readonly name = 'CaseStopped';
}

/** How long a call may take. */
export interface Patience {
  /** In milliseconds. */
  readonly limitMs: number;
  /** Tells that a call took this long. */
  observe(durationMs: number): void;
}

/** A case that makes calls without end is stopped after this many times the limit of one call. */
const LONGEST = 30;

/** One run of a case. It knows the calls that are in progress, and can be stopped. */
export class Attempt {
  readonly #patience: Patience;
  readonly #calls = new Set<Promise<unknown>>();
  readonly #start = now();
  #progress = this.#start;
  #isStopped = false;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** True while a call has not settled. */
  get isBusy(): boolean {
    return this.#calls.size > 0;
  }

  /** Makes every later call reject with {@link CaseStopped}. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when no call is in progress any more. */
  async settled(): Promise<void> {
    while (this.isBusy) await Promise.allSettled(this.#calls);
  }

  /** Makes the calls of an object part of this attempt. */
  guard<T extends object>(object: T): T {
    return intercept(object, (_, call) => this.call(call));
  }

  /** Makes a call, unless the case was stopped, and keeps it until it has settled. */
  call<T>(work: () => T): T {
    if (this.#isStopped) throw new CaseStopped('this case was stopped');
    const start = now();
    this.#progress = start;
    const answer = work();
    if (typeof (answer as { then?: unknown } | undefined)?.then === 'function') {
      const settle = () => {
        this.#progress = now();
        this.#patience.observe(this.#progress - start);
        this.#calls.delete(ended);
      };
      const ended: Promise<unknown> = Promise.resolve(answer).then(settle, settle);
      this.#calls.add(ended);
    }
    return answer;
  }

  /**
   * Waits for work, and rejects when its calls in progress have settled nothing for too long. While there are none, the
   * suite itself works, however slow the machine is.
   */
  async within<T>(work: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const watch = () => {
        const { limitMs } = this.#patience;
        const last = this.#start + LONGEST * limitMs;
        const left = Math.min(this.isBusy ? this.#progress + limitMs : last, last) - now();
        if (left <= 0) reject(lateness(limitMs, this.isBusy));
        else timer = setTimeout(watch, Math.min(left, limitMs));
      };
      watch();
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function lateness(limitMs: number, isBusy: boolean): Mismatch {
  const seconds = `${Number((limitMs / 1000).toPrecision(3))} s`;
  const where = isBusy ? '' : ', with no call in progress';
  return new Mismatch(
    `a result within ${seconds}`,
    `none after ${seconds}${where}; --timeout (timeoutMs) allows more`,
  );
}
