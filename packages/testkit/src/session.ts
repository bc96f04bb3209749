import type { KeyWrapProvider } from '@keywrap/core';
import { openCache } from './cached-provider.js';
import type { CaseContext, ConformanceCase } from './case.js';
import { describeError, Mismatch } from './expect.js';
import type { ConformanceHarness, ConformanceSubject } from './harness.js';
import { Journal } from './journal.js';
import { KeyRing } from './key-ring.js';
import { whyUnmet } from './needs.js';
import { observe } from './observe.js';

/** The default time limit of a case: a slow machine may need it to generate an RSA key. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/** A failed case. The message shows the calls, the expected and actual outcome, and the rule. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
  readonly caseId: string;
  readonly expected: string;
  readonly actual: string;
  /** Tells mocha not to show a diff. */
  readonly showDiff = false;
  /** The last calls to the provider. */
  readonly calls: readonly string[];
  /** The source of the rule. */
  readonly source: string;

  constructor(failed: ConformanceCase, error: unknown, calls: readonly string[]) {
    const { expected, actual } =
      error instanceof Mismatch ? error : { expected: 'success', actual: describeError(error) };
    super(
      [
        `${failed.id}: ${failed.title}`,
        `  done:     ${calls.join('\n            ') || 'no call'}`,
        `  expected: ${expected}`,
        `  came:     ${actual}`,
        `  rule:     ${failed.rule.statement} (${failed.rule.id}; ${failed.rule.source})`,
      ].join('\n'),
      { cause: error },
    );
    this.caseId = failed.id;
    this.expected = expected;
    this.actual = actual;
    this.calls = calls;
    this.source = failed.rule.source;
  }
}

/** The time limit of a case, and the seed of random cases. */
export interface SessionOptions {
  readonly timeoutMs?: number | undefined;
  readonly seed?: number | undefined;
}

/** A run of one harness: the provider that its cases share, its keys, and other opened providers. */
export class Session {
  readonly #harness: ConformanceHarness;
  readonly #shared: ConformanceSubject;
  readonly #ring: KeyRing;
  readonly #timeoutMs: number;
  readonly #others: ConformanceSubject[] = [];
  readonly #reopened: KeyWrapProvider[] = [];
  /** Repeats the random cases. */
  readonly seed: number;

  private constructor(
    harness: ConformanceHarness,
    shared: ConformanceSubject,
    timeoutMs: number,
    seed: number,
  ) {
    this.#harness = harness;
    this.#shared = shared;
    this.#ring = new KeyRing(shared.keys, shared.provider);
    this.#timeoutMs = timeoutMs;
    this.seed = seed;
  }

  static async open(
    harness: ConformanceHarness,
    { timeoutMs = DEFAULT_TIMEOUT_MS, seed = randomSeed() }: SessionOptions = {},
  ): Promise<Session> {
    return new Session(harness, await within(timeoutMs, harness.open()), timeoutMs, seed);
  }

  /** Returns why a case does not apply; `undefined` when it does. */
  async whyNotApplicable({ needs }: ConformanceCase): Promise<string | undefined> {
    for (const need of needs) {
      const checking = whyUnmet(need, this.#shared, this.#ring);
      // The case reports a key that can't be made in time.
      const reason = await within(this.#timeoutMs, checking).catch(() => undefined);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  /** Rejects with a {@link ConformanceFailure} when the provider breaks the rule, or hangs. */
  async run(each: ConformanceCase): Promise<void> {
    const journal = new Journal();
    try {
      await within(this.#timeoutMs, each.run(this.#contextFor(journal)));
    } catch (error) {
      throw new ConformanceFailure(each, error, journal.lastCalls);
    }
  }

  /** Closes all providers. It never throws: other cases check closing. */
  async close(): Promise<void> {
    // Before the subjects, which may release what these use.
    await Promise.allSettled(
      this.#reopened.map((provider) => within(this.#timeoutMs, provider.close())),
    );
    const subjects = [...this.#others, this.#shared];
    await Promise.allSettled(subjects.map((subject) => within(this.#timeoutMs, shut(subject))));
  }

  #contextFor(journal: Journal): CaseContext {
    return {
      provider: observe(this.#shared.provider, journal),
      keys: this.#ring,
      seed: this.seed,
      profile: (globalThis as { profile?: 'soak' }).profile ?? 'full', // replaced by merge
      secret: (length = 32) => {
        const secret = printable(length);
        journal.keepSecret(secret);
        return secret;
      },
      open: async () => {
        const subject = await this.#openAnother();
        return {
          provider: observe(subject.provider, journal),
          keys: new KeyRing(subject.keys, subject.provider),
          bare: subject.provider,
          close: () => this.#closeOther(subject),
          reopen: () => this.#reopen(subject, journal),
          fail: async (outage) => {
            if (subject.fail === undefined) throw new Error('the case must need `fail`');
            await subject.fail(outage);
          },
        };
      },
      reopen: () => this.#reopen(this.#shared, journal),
      closed: async () => observe(await this.#closedProvider(), journal),
      cached: (limits, provider = this.#shared.provider) => {
        const { cache } = this.#shared;
        if (cache === undefined) throw new Error('the case must need `cache`');
        const cached = openCache(cache, provider, limits);
        return { ...cached, provider: observe(cached.provider, journal) };
      },
    };
  }

  async #closeOther(subject: ConformanceSubject): Promise<void> {
    this.#others.splice(this.#others.indexOf(subject), 1);
    await shut(subject);
  }

  async #reopen(subject: ConformanceSubject, journal: Journal): Promise<KeyWrapProvider> {
    if (subject.reopen === undefined) throw new Error('the case must need `reopen`');
    const provider = await subject.reopen();
    this.#reopened.push(provider);
    return observe(provider, journal);
  }

  #closedProvider(): Promise<KeyWrapProvider> {
    return this.#ring.once('a closed provider', async () => {
      const { provider } = await this.#openAnother();
      await provider.close();
      return provider;
    });
  }

  async #openAnother(): Promise<ConformanceSubject> {
    const subject = await this.#harness.open();
    if (subject.provider === this.#shared.provider) {
      throw new Mismatch('harness.open() to return a new provider each time', 'the same one');
    }
    this.#others.push(subject);
    return subject;
  }
}

async function shut(subject: ConformanceSubject): Promise<void> {
  try {
    await subject.provider.close();
  } finally {
    await subject.close?.();
  }
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const seconds = `${timeoutMs / 1000} s`;
    timer = setTimeout(
      () => reject(new Mismatch(`a result within ${seconds}`, `none after ${seconds}`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$';

function printable(length: number): Uint8Array {
  const random = crypto.getRandomValues(new Uint8Array(length));
  return random.map((byte) => ALPHABET.charCodeAt(byte % 64));
}

function randomSeed(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) >>> 1;
}
