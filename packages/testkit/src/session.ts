import type { KeyWrapProvider, OwnedBytes } from '@keywrap/core';
import { Attempt, type Patience } from './attempt.js';
import { openCache } from './cached-provider.js';
import type { CaseContext, ConformanceCase } from './case.js';
import { Mismatch } from './expect.js';
import { ConformanceFailure, HarnessError } from './failure.js';
import type { ConformanceHarness, ConformanceSubject } from './harness.js';
import { Journal, recordChanges } from './journal.js';
import { KeyRing } from './key-ring.js';
import { whyUnmet } from './needs.js';
import { observe } from './observe.js';
import type { Profile } from './profile.js';

/** The time limit of a call: a slow machine may need it to generate an RSA key. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** A call may take this many times as long as the slowest one before it. */
const SLOWER = 20;

/** How long to wait for the calls of a stopped case, before the provider is given up. */
const GRACE_MS = 1000;

/** The options of all readers of the suite. */
export interface SessionOptions {
  readonly timeoutMs?: number | undefined;
  readonly seed?: number | undefined;
  readonly profile?: Profile | undefined;
  /** Says how to run one case alone. */
  readonly repeat?: ((caseId: string, seed: number) => string) | undefined;
}

/** An opened provider and its keys. */
interface OpenSubject {
  readonly subject: ConformanceSubject;
  readonly ring: KeyRing;
}

/** A run of one harness: the provider that its cases share, its keys, and other opened providers. */
export class Session {
  readonly #harness: ConformanceHarness;
  readonly #patience: Patience;
  readonly #repeat: NonNullable<SessionOptions['repeat']>;
  readonly #others: OpenSubject[] = [];
  /** The keys of closed providers that could not be deleted by these. */
  readonly #left: string[] = [];
  #shared: OpenSubject;
  #spare: Promise<OpenSubject> | undefined;
  #harnessError: HarnessError | undefined;
  readonly profile: Profile;
  /** Repeats the random cases. */
  readonly seed: number;

  private constructor(
    harness: ConformanceHarness,
    shared: OpenSubject,
    patience: Patience,
    { seed = randomSeed(), profile = 'full', repeat = repeatByOptions }: SessionOptions,
  ) {
    this.#harness = harness;
    this.#shared = shared;
    this.#patience = patience;
    this.#repeat = repeat;
    this.seed = seed;
    this.profile = profile;
  }

  /** @throws {@link HarnessError} when the harness can't open a provider. */
  static async open(harness: ConformanceHarness, options: SessionOptions = {}): Promise<Session> {
    const patience = growing(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    return new Session(harness, await openBy(harness, patience), patience, options);
  }

  /** The failure of the harness that ended the run, if there was one. */
  get harnessError(): HarnessError | undefined {
    return this.#harnessError;
  }

  /** Returns why a case does not apply; `undefined` when it does. */
  async whyNotApplicable({ needs }: ConformanceCase): Promise<string | undefined> {
    const { subject, ring } = this.#shared;
    const openSpare = async () => {
      this.#spare ??= this.#openAnother(subject);
      return (await this.#spare).subject;
    };
    for (const need of needs) {
      const attempt = new Attempt(this.#patience);
      const checking = whyUnmet(need, subject, attempt.guard(ring), openSpare);
      // The case reports what went wrong.
      const reason = await attempt.within(checking).catch(() => undefined);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  /** Rejects with a {@link ConformanceFailure} when the provider breaks the rule, or hangs. */
  async run(each: ConformanceCase): Promise<void> {
    const journal = new Journal();
    const attempt = new Attempt(this.#patience);
    const shared = this.#shared;
    const reopened: KeyWrapProvider[] = [];
    try {
      // After the harness failed, every other case would fail for the same reason.
      if (this.#harnessError !== undefined) throw this.#harnessError;
      await attempt.within(each.run(this.#contextFor(shared, journal, attempt, reopened)));
      journal.expectNoLeakSoFar();
    } catch (error) {
      if (error instanceof HarnessError) this.#harnessError ??= error;
      await this.#stop(attempt, shared);
      const repeat = this.#repeat(each.id, this.seed);
      throw new ConformanceFailure(each, error, journal.lastCalls, repeat);
    } finally {
      // Before the subjects, which may release what these use.
      await Promise.all(reopened.map((provider) => this.#patiently(() => provider.close())));
    }
  }

  /** Schedules the deletion of the keys, and closes all providers. It never throws: other cases check closing. */
  async close(): Promise<void> {
    const all = [...this.#others, this.#shared];
    // At once: a backend that is closed may not answer, which takes as long as the limit of a call.
    await Promise.all(all.map(({ ring }) => this.#patiently(() => ring.deleteKeys(ring.created))));
    // Those of a provider that a case has closed may be there for another one.
    const left = [...this.#left, ...all.flatMap(({ ring }) => ring.created)];
    await this.#patiently(() => this.#shared.ring.deleteKeys(left));
    await Promise.all(all.map((each) => this.#patiently(() => shut(each.subject))));
  }

  /** Ends a failed case: no call of it runs on beside the next one. */
  async #stop(attempt: Attempt, shared: OpenSubject): Promise<void> {
    attempt.stop();
    if (!attempt.isBusy) return;
    await Promise.race([attempt.settled(), delay(GRACE_MS)]);
    // A call that hangs may hold what other calls need, so they get another provider.
    if (!attempt.isBusy || shared !== this.#shared) return;
    try {
      this.#shared = await openBy(this.#harness, this.#patience);
      this.#others.push(shared);
    } catch (error) {
      this.#harnessError ??= error as HarnessError;
    }
  }

  /** @param reopened Gets the providers that the case opens over keys of others. */
  #contextFor(
    shared: OpenSubject,
    journal: Journal,
    attempt: Attempt,
    reopened: KeyWrapProvider[],
  ): CaseContext {
    const watched = (provider: KeyWrapProvider) => attempt.guard(observe(provider, journal));
    const { subject, ring } = shared;
    const reopen = async (from: ConformanceSubject) => {
      if (from.reopen === undefined) throw new Error('the case must need `reopen`');
      const openAgain = from.reopen.bind(from);
      const provider = await attempt.call(openAgain);
      reopened.push(provider);
      return watched(provider);
    };
    return {
      provider: watched(subject.provider),
      keys: attempt.guard(recordChanges(ring, journal)),
      seed: this.seed,
      profile: this.profile,
      secret: (length = 32) => {
        const secret = printable(length);
        journal.keepSecret(secret);
        return secret;
      },
      open: async () => {
        const opened = await attempt.call(() => this.#openAnother(subject));
        return {
          provider: watched(opened.subject.provider),
          keys: attempt.guard(recordChanges(opened.ring, journal)),
          bare: attempt.guard(opened.subject.provider),
          close: () => attempt.call(() => this.#closeOther(opened)),
          reopens: opened.subject.reopen !== undefined,
          reopen: () => reopen(opened.subject),
          fail: (outage) =>
            attempt.call(async () => {
              if (opened.subject.fail === undefined) throw new Error('the case must need `fail`');
              const finish = journal.beginChange(`fail(${outage})`);
              await opened.subject.fail(outage);
              finish('done');
            }),
        };
      },
      reopens: subject.reopen !== undefined,
      reopen: () => reopen(subject),
      closed: async () => watched(await attempt.call(() => this.#closedProvider(shared))),
      cached: (limits, provider = subject.provider) => {
        const { cache } = subject;
        if (cache === undefined) throw new Error('the case must need `cache`');
        const cached = openCache(cache.bind(subject), provider, limits);
        return { ...cached, provider: watched(cached.provider) };
      },
    };
  }

  async #closeOther(opened: OpenSubject): Promise<void> {
    this.#others.splice(this.#others.indexOf(opened), 1);
    await opened.ring.deleteKeys(opened.ring.created);
    this.#left.push(...opened.ring.created);
    await shut(opened.subject);
  }

  #closedProvider({ subject, ring }: OpenSubject): Promise<KeyWrapProvider> {
    return ring.once('a closed provider', async () => {
      const { provider } = (await this.#openAnother(subject)).subject;
      await provider.close();
      return provider;
    });
  }

  async #openAnother({ provider }: ConformanceSubject): Promise<OpenSubject> {
    const opened = await openBy(this.#harness, this.#patience);
    if (opened.subject.provider === provider) {
      throw new Mismatch('harness.open() to return a new provider each time', 'the same one');
    }
    this.#others.push(opened);
    return opened;
  }

  async #patiently(work: () => Promise<unknown>): Promise<void> {
    const attempt = new Attempt(this.#patience);
    await attempt.within(attempt.call(async () => work())).catch(() => {});
  }
}

async function openBy(harness: ConformanceHarness, patience: Patience): Promise<OpenSubject> {
  const attempt = new Attempt(patience);
  try {
    // The harness may throw at once, too.
    const subject = await attempt.within(attempt.call(async () => harness.open()));
    return { subject, ring: new KeyRing(subject.keys, subject.provider) };
  } catch (error) {
    throw new HarnessError(`open() of the harness ${harness.name}`, error);
  }
}

async function shut(subject: ConformanceSubject): Promise<void> {
  try {
    await subject.provider.close();
  } finally {
    await subject.close?.();
  }
}

/** A limit that grows with the latency of the provider, and with the load of the machine. */
function growing(leastMs: number): Patience {
  let limitMs = leastMs;
  return {
    get limitMs() {
      return limitMs;
    },
    observe(durationMs) {
      limitMs = Math.max(limitMs, SLOWER * durationMs);
    },
  };
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function repeatByOptions(caseId: string, seed: number): string {
  return `with the options { only: ['${caseId}'], seed: ${seed} }`;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$';

function printable(length: number): OwnedBytes {
  const random = crypto.getRandomValues(new Uint8Array(length));
  return random.map((byte) => ALPHABET.charCodeAt(byte % 64));
}

function randomSeed(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) >>> 1;
}
