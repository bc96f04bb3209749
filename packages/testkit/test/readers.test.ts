import {
  createProvider,
  DriverProvider,
  type KeyWrapProvider,
  UnsupportedOperationError,
} from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { Attempt } from '#dist/attempt.js';
import {
  type ConformanceHarness,
  type ConformanceKeys,
  type ConformanceSubject,
  conformanceCases,
  describeConformance,
  formatReport,
  type RunOptions,
  runConformance,
  type TestRunner,
} from '#dist/index.js';
import { ReferenceDriver, wrapped } from './support/reference.js';

const reference: ConformanceHarness = {
  name: 'reference',
  async open() {
    const driver = new ReferenceDriver();
    const keys = { create: driver.create.bind(driver) };
    return { provider: createProvider(driver), keys };
  },
};

const forgetful: ConformanceHarness = {
  name: 'forgetful',
  open: async () =>
    wrapped('forgetful', '', (inner) => ({
      encrypt: (input, options) =>
        inner.encrypt({ ...input, encryptionContext: undefined }, options),
      decrypt: (input, options) =>
        inner.decrypt({ ...input, encryptionContext: undefined }, options),
    })).open(),
};

/** A proxy that calls the methods of the provider itself. */
const boundTo: ProxyHandler<KeyWrapProvider> = {
  get(provider, name) {
    const value: unknown = Reflect.get(provider, name);
    return typeof value === 'function' ? value.bind(provider) : value;
  },
};

/** The keys of a driver, which tell what they made. */
function keysWith(driver: ReferenceDriver, tell: (keyId: string) => void): ConformanceKeys {
  return {
    create: async (request) => {
      const key = await driver.create(request);
      tell(key.keyId);
      return key;
    },
    disable: (keyArn) => driver.disable(keyArn),
    enable: (keyArn) => driver.enable(keyArn),
    scheduleDeletion: (keyArn) => driver.scheduleDeletion(keyArn),
  };
}

describe('conformanceCases', () => {
  it('have ids that are there once, a title and a source', () => {
    expect(new Set(conformanceCases.map(({ id }) => id)).size).to.equal(conformanceCases.length);
    for (const { id, title, rule } of conformanceCases) {
      expect(id).to.match(/^[A-Z]{3}-[A-Z]{0,2}\d{2,3}$/);
      expect(title, id).to.not.be.empty;
      expect(rule.source, id).to.not.be.empty;
    }
  });
});

describe('runConformance', () => {
  it('runs the selected cases, by id and by prefix', async () => {
    const report = await runConformance(reference, { only: ['ENC-001', 'LEN-'] });
    const ids = report.results.map(({ id }) => id);
    expect(ids).to.deep.equal([
      'ENC-001',
      'LEN-001',
      'LEN-002',
      'LEN-003',
      'LEN-006',
      'LEN-004',
      'LEN-005',
    ]);
    expect(report).to.include({ provider: 'reference', passed: 7, failed: 0, notApplicable: 0 });
  });

  it('rejects the name of a case that does not exist', async () => {
    const error = await runConformance(reference, { only: ['ENC-999'] }).catch((each) => each);
    expect(error).to.be.instanceOf(RangeError);
  });

  it('reports each case as it ends', async () => {
    const seen: string[] = [];
    const onCase = ({ id, status }: { id: string; status: string }) => seen.push(`${id} ${status}`);
    await runConformance(reference, { only: ['ENC-001', 'ROT-001'], onCase, concurrency: 1 });
    expect(seen).to.deep.equal(['ENC-001 passed', 'ROT-001 not applicable']);
  });

  it('reports why a case is not applicable', async () => {
    const { results } = await runConformance(reference, { only: ['ROT-001', 'UNS-601'] });
    expect(results.map(({ reason }) => reason)).to.deep.equal([
      'the provider declares keyIdFromCiphertext',
      'the harness has no keys.rotate',
    ]);
  });

  it('reports what was done, expected and got, and the broken rule', async () => {
    const { results, failed } = await runConformance(forgetful, { only: ['CTX-203'] });
    expect(failed).to.equal(1);
    const lines = results[0]?.error?.message.split('\n') ?? [];
    expect(lines[0]).to.equal('CTX-203: decrypt rejects another value (INVALID_CIPHERTEXT)');
    expect(lines[1]).to.include('encryptionContext: {"tenant":"a"}').and.include('done:');
    expect(lines[2]).to.include('encryptionContext: {"tenant":"b"}');
    expect(lines[3]).to.equal(
      '  expected: a rejection with InvalidCiphertextError (INVALID_CIPHERTEXT)',
    );
    expect(lines[4]).to.equal('  came:     success');
    expect(lines[5]).to.include('rule:').and.include('docs.aws.amazon.com');
    expect(lines[6]).to.match(
      /^ {2}repeat: +with the options \{ only: \['CTX-203'\], seed: \d+ \}$/,
    );
  });

  it('shows every cause, and where the last one was thrown', async () => {
    const broken: ConformanceHarness = {
      name: 'broken',
      open: async () =>
        wrapped('broken', '', () => ({
          encrypt: async () => {
            throw new TypeError('no session', {
              cause: new Error('CKR_DEVICE_ERROR', { cause: new Error('the cable') }),
            });
          },
        })).open(),
    };
    const { results } = await runConformance(broken, { only: ['ENC-001'] });
    expect(results[0]?.error?.actual).to.equal('TypeError: no session');
    expect(results[0]?.error?.causes).to.have.lengthOf(2);
    expect(results[0]?.error?.causes[0]).to.match(/^Error: CKR_DEVICE_ERROR \(at .+readers\.test/);
    expect(results[0]?.error?.message).to.match(/^ {2}cause: +Error: the cable/m);
  });

  it('shows the input, and which bit of it was changed', async () => {
    const flexible: ConformanceHarness = {
      name: 'flexible',
      open: async () => {
        const known = new Uint8Array(32);
        return wrapped('flexible', '', (inner) => ({
          decrypt: (input, options) =>
            inner.decrypt(input, options).catch(() => ({ plaintext: known })),
        })).open();
      },
    };
    const { results } = await runConformance(flexible, { only: ['INT-F03'] });
    const call = results[0]?.error?.calls.at(-1);
    expect(call).to.match(
      /ciphertext: \d+ bytes [0-9a-f]{48}\.\.\.[0-9a-f]{16} \(byte 0 XOR 0x01\)/,
    );
  });

  it('names a result that only looks like one of core', async () => {
    const spread: ConformanceHarness = {
      name: 'spread',
      open: async () =>
        wrapped('spread', '', (inner) => ({
          decrypt: async (input, options) => {
            const { plaintext, keyId, algorithm } = await inner.decrypt(input, options);
            return { plaintext, keyId, algorithm };
          },
        })).open(),
    };
    const { results } = await runConformance(spread, { only: ['ENC-001'] });
    expect(results[0]?.error).to.include({
      expected: 'a DecryptResult of @keywrap/core, made by new DecryptResult({ ... })',
      actual: 'Object, which only looks like one',
    });
  });

  it('fails a case that hangs, and goes on', async () => {
    const hanging: ConformanceHarness = {
      name: 'hanging',
      open: async () =>
        wrapped('hanging', '', () => ({ decrypt: () => new Promise(() => {}) })).open(),
    };
    const options = { only: ['ENC-001', 'LEN-004'], timeoutMs: 50 };
    const { results } = await runConformance(hanging, options);
    expect(results.map(({ status }) => status)).to.deep.equal(['failed', 'passed']);
    expect(results[0]?.error?.actual).to.match(/^none after [\d.]+ s; --timeout \(timeoutMs\)/);
  });

  it('stops a case that hangs: it makes no call any more, and the next has another provider', async () => {
    const calls: [provider: number, operation: string][] = [];
    let opened = 0;
    const hanging: ConformanceHarness = {
      name: 'hanging',
      async open() {
        const number = ++opened;
        return wrapped('', '', (inner) => ({
          encrypt: (input, options) => {
            calls.push([number, 'encrypt']);
            return inner.encrypt(input, options);
          },
          decrypt: () => {
            calls.push([number, 'decrypt']);
            return new Promise(() => {});
          },
        })).open();
      },
    };
    const options = { only: ['ENC-002', 'LEN-004'], timeoutMs: 50, concurrency: 1 };
    const { results } = await runConformance(hanging, options);
    expect(results.map(({ status }) => status)).to.deep.equal(['failed', 'passed']);
    // ENC-002 makes dozens of calls: the first that hangs is the last.
    expect(calls.slice(0, 2)).to.deep.equal([
      [1, 'encrypt'],
      [1, 'decrypt'],
    ]);
    expect(calls.slice(2).every(([provider]) => provider === 2)).to.equal(true);
  });

  it('gives the suite itself the time that it takes, while no call is in progress', async () => {
    const attempt = new Attempt({ limitMs: 50, observe() {} });
    const own = new Promise((resolve) => setTimeout(resolve, 100, 'done'));
    expect(await attempt.within(own)).to.equal('done');
    const call = attempt.call(() => new Promise(() => {}));
    const late = await attempt.within(call).catch((error: unknown) => error);
    expect((late as Error).message).to.match(/none after 0.05 s; --timeout/);
  });

  it('gives a slow provider the time that it takes', async () => {
    const slow: ConformanceHarness = {
      name: 'slow',
      open: async () =>
        wrapped('slow', '', (inner) => ({
          encrypt: async (input, options) => {
            await new Promise((resolve) => setTimeout(resolve, 20));
            return inner.encrypt(input, options);
          },
        })).open(),
    };
    // Together its calls take longer than the limit, each takes less.
    const { results } = await runConformance(slow, { only: ['ENC-002'], timeoutMs: 300 });
    expect(results[0]?.status).to.equal('passed');
    expect(results[0]?.durationMs).to.be.greaterThan(300);
  });

  it('runs cases at the same time, and reports them in order', async () => {
    let running = 0;
    let most = 0;
    const counting: ConformanceHarness = {
      name: 'counting',
      open: async () =>
        wrapped('', '', (inner) => ({
          encrypt: async (input, options) => {
            most = Math.max(most, ++running);
            try {
              return await inner.encrypt(input, options);
            } finally {
              running--;
            }
          },
        })).open(),
    };
    const { results } = await runConformance(counting, { only: ['ENC-', 'LEN-'], concurrency: 3 });
    expect(most).to.equal(3);
    const ids = results.map(({ id }) => id);
    expect(ids).to.deep.equal(
      conformanceCases.map(({ id }) => id).filter((id) => ids.includes(id)),
    );
    most = 0;
    await runConformance(counting, { only: ['ENC-', 'LEN-'], concurrency: 1 });
    expect(most).to.equal(1);
  });

  it('runs what core does for every driver only for a provider that does it itself', async () => {
    const only = ['invalid-input'];
    const driven = await runConformance(reference, { only });
    expect(driven).to.include({ passed: 0, failed: 0 });
    expect(driven.results[0]?.reason).to.equal('core does this for every driver');
    // A subclass that overrides a method is not core's any more; nor is one that only looks like it.
    class Own extends DriverProvider {
      override encrypt(...args: Parameters<KeyWrapProvider['encrypt']>) {
        return super.encrypt(...args);
      }
    }
    for (const make of [
      (driver: ReferenceDriver) => new Own(driver),
      (driver: ReferenceDriver) => new Proxy(createProvider(driver), boundTo),
    ]) {
      const own = await runConformance(
        {
          name: 'own',
          async open() {
            const driver = new ReferenceDriver();
            return { provider: make(driver), keys: driver };
          },
        },
        { only: ['INP-I03'] },
      );
      expect(own.results[0]?.status).to.equal('passed');
    }
  });

  describe('schedules the deletion of all keys that it made, of each provider that it opened', () => {
    type Change = (subject: ConformanceSubject, driver: ReferenceDriver) => ConformanceSubject;

    /** Runs cases, and returns the states of the keys that they made. */
    async function statesAfter(options: RunOptions, change: Change = (subject) => subject) {
      const made: (readonly [ReferenceDriver, string])[] = [];
      const leaving: ConformanceHarness = {
        name: 'leaving',
        async open() {
          const driver = new ReferenceDriver();
          const keys = keysWith(driver, (keyId) => made.push([driver, keyId]));
          return change({ provider: createProvider(driver), keys }, driver);
        },
      };
      const report = await runConformance(leaving, options);
      return { report, states: made.map(([driver, keyId]) => driver.find(keyId).state) };
    }

    function expectDeleted(states: readonly string[]): void {
      expect(states).to.not.be.empty;
      expect(states.filter((state) => state !== 'PendingDeletion')).to.deep.equal([]);
    }

    it('after all cases, also of a provider that a case opened and closed', async () => {
      const only = ['ENC-', 'DIS-', 'CLO-001', 'CLO-006', 'RES-301'];
      const { report, states } = await statesAfter({ only });
      expect(report.failed).to.equal(0);
      expectDeleted(states);
    });

    it('after a case that failed, and the end that it brings with bail', async () => {
      const wrong: Change = (subject) => ({
        ...subject,
        provider: new Proxy(subject.provider, {
          ...boundTo,
          get: (provider, name, receiver) =>
            name === 'decrypt'
              ? () => Promise.reject(new Error('broken'))
              : boundTo.get?.(provider, name, receiver),
        }),
      });
      for (const bail of [false, true]) {
        const { report, states } = await statesAfter(
          { only: ['ENC-', 'ROT-', 'ATO-5'], bail },
          wrong,
        );
        expect(report.failed).to.be.greaterThan(0);
        expectDeleted(states);
      }
    });

    it('after keys.create of the harness failed, which ends the run', async () => {
      let count = 0;
      const failing: Change = (subject) => {
        const { create } = subject.keys;
        return {
          ...subject,
          keys: {
            ...subject.keys,
            create: (request) =>
              ++count > 4 ? Promise.reject(new Error('full')) : create(request),
          },
        };
      };
      const { report, states } = await statesAfter({ only: ['ROT-', 'DIS-', 'ENC-'] }, failing);
      expect(report.harnessError).to.not.equal(undefined);
      expectDeleted(states);
    });

    it('after a call that hangs', async () => {
      const hanging: Change = (subject) => ({
        ...subject,
        provider: new Proxy(subject.provider, {
          ...boundTo,
          get: (provider, name, receiver) =>
            name === 'reEncrypt'
              ? () => new Promise(() => {})
              : boundTo.get?.(provider, name, receiver),
        }),
      });
      const { report, states } = await statesAfter(
        { only: ['DIS-006', 'ENC-'], timeoutMs: 50 },
        hanging,
      );
      expect(report.failed).to.be.greaterThan(0);
      expectDeleted(states);
    });

    it('after the run was stopped: no further case begins', async () => {
      const stop = new AbortController();
      const { report, states } = await statesAfter({
        only: ['ENC-', 'ROT-', 'DIS-'],
        concurrency: 1,
        signal: stop.signal,
        onCase: () => stop.abort(),
      });
      expect(report.results).to.have.lengthOf(1);
      expect(report.notRun).to.be.greaterThan(5);
      expectDeleted(states);
    });
  });

  it('breaks a long list of what is not proved into lines that a terminal shows whole', async () => {
    const open = async () => {
      const driver = new ReferenceDriver();
      return { provider: createProvider(driver), keys: { create: driver.create.bind(driver) } };
    };
    const report = await runConformance({ name: 'p', open }, { only: ['ENC-001'] });
    const [result] = report.results;
    if (result === undefined) throw new Error('the case did not run');
    const names = Array.from({ length: 30 }, (_, index) => `keys.method${index}`);
    const results = names.map((name) => ({
      ...result,
      status: 'not applicable' as const,
      reason: `the harness has no ${name}`,
    }));
    const text = formatReport({ ...report, results });
    const lines = text.slice(text.indexOf('not proved')).split('\n').slice(0, -1);
    expect(lines.length).to.be.greaterThan(3);
    for (const line of lines) expect(line.length).to.be.at.most(100);
    const whole = lines.map((line) => line.trim()).join(' ');
    expect(whole).to.equal(`not proved, because the harness has no ${names.join(', ')}`);
  });

  it('says which kind of outage the harness declines, and tests the others', async () => {
    const declining: ConformanceHarness = {
      name: 'declining',
      async open() {
        const driver = new ReferenceDriver();
        return {
          provider: createProvider(driver),
          keys: { create: driver.create.bind(driver) },
          reopen: async () => createProvider(driver),
          fail(outage) {
            if (outage === 'throttled') throw new UnsupportedOperationError('no such answer');
            driver.fail(outage);
          },
        };
      },
    };
    const report = await runConformance(declining, { only: ['OUT-'] });
    const skipped = report.results.filter(({ status }) => status === 'not applicable');
    expect(skipped.map(({ id }) => id)).to.deep.equal(['OUT-101', 'OUT-201', 'OUT-301', 'OUT-401']);
    expect(report.failed).to.equal(0);
    expect(formatReport(report)).to.include(
      "not proved, because the harness has no fail('throttled')\n12 passed",
    );
  });

  for (const [what, encrypt, came] of [
    [
      'throws at once',
      () => {
        throw new Error('no');
      },
      'a synchronous error',
    ],
    ['returns no promise', () => 'a result', 'string'],
  ] as const) {
    it(`fails a case whose provider ${what}`, async () => {
      const hasty = {
        name: 'hasty',
        open: async () => wrapped('', '', () => ({ encrypt })).open(),
      };
      const { results } = await runConformance(hasty, { only: ['ENC-001'] });
      expect(results[0]?.error?.expected).to.match(/^a (rejected )?promise/);
      expect(results[0]?.error?.actual).to.equal(came);
    });
  }

  it('fails a case whose harness returns the same provider twice', async () => {
    const driver = new ReferenceDriver();
    const provider = createProvider(driver);
    const lazy = { name: 'lazy', open: async () => ({ provider, keys: driver }) };
    const { results } = await runConformance(lazy, { only: ['CLO-001'] });
    expect(results[0]?.error?.expected).to.include('a new provider each time');
  });

  it("closes every provider that it opened, and the harness's other resources", async () => {
    let opened = 0;
    let closed = 0;
    const counting: ConformanceHarness = {
      name: 'counting',
      async open() {
        opened++;
        const { provider, keys } = await reference.open();
        const close = async () => {
          closed++;
        };
        return { provider, keys, close };
      },
    };
    await runConformance(counting, { only: ['CLO-', 'ENC-001'] });
    expect(opened).to.be.greaterThan(1);
    expect(closed).to.equal(opened);
  });
});

describe('formatReport', () => {
  it('is the result by rule, then the failures, then how to repeat it, then the numbers', async () => {
    const options = { only: ['CTX-101', 'CTX-203', 'UNS-601'], seed: 7 };
    const lines = formatReport(await runConformance(forgetful, options)).split('\n');
    expect(lines.slice(0, 6)).to.deep.equal([
      'Conformance of forgetful, profile full',
      '',
      'n/a     undeclared-unsupported  1 not applicable',
      'FAILED  encryption-context      1 passed, 1 failed',
      '',
      'CTX-203: decrypt rejects another value (INVALID_CIPHERTEXT)',
    ]);
    expect(lines.at(-1)).to.equal('1 passed, 1 failed, 1 not applicable');
  });

  it('gives each reason why cases are not applicable once, with their number, the most frequent first', async () => {
    const report = await runConformance(reference, { only: ['UNS'] });
    const lines = formatReport(report).split('\n');
    const rows = lines.flatMap((line) => {
      const [, count, reason] = /^ *(\d+) {2}(the provider declares .+)$/.exec(line) ?? [];
      return reason === undefined ? [] : [{ count: Number(count), reason }];
    });
    const counts = rows.map(({ count }) => count);
    const reasons = rows.map(({ reason }) => reason);
    expect(new Set(reasons)).to.deep.equal(
      new Set(report.results.flatMap(({ reason }) => reason ?? [])),
    );
    expect(new Set(reasons).size).to.equal(reasons.length);
    expect(counts).to.deep.equal([...counts].sort((a, b) => b - a));
    expect(counts.reduce((sum, count) => sum + count)).to.equal(report.notApplicable);
  });
});

describe('describeConformance', () => {
  it('registers with any runner that has describe and it', async () => {
    const run: (() => Promise<void>)[] = [];
    const skipped: string[] = [];
    const titles: string[] = [];
    let close: (() => Promise<void>) | undefined;
    const runner: TestRunner = {
      describe: (title, body) => {
        titles.push(title);
        body();
      },
      it: Object.assign((_title: string, body: () => Promise<void>) => run.push(body), {
        skip: (title: string) => skipped.push(title),
      }),
      afterAll: (body) => {
        close = body;
      },
    };
    await describeConformance(forgetful, runner, { only: ['CTX-203', 'ENC-001', 'UNS-601'] });
    expect(titles[0]).to.equal('forgetful conforms');
    expect(titles).to.include(
      'A symmetric key decrypts what it encrypted, byte for byte, whatever the bytes are',
    );
    expect(skipped).to.deep.equal([
      'UNS-601 rejects decrypt without a keyId - not applicable: the provider declares keyIdFromCiphertext',
    ]);
    const outcomes = await Promise.allSettled(run.map((body) => body()));
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected']);
    await close?.();
  });

  it('closes a provider of which the runner runs no case, and opens it again for a late one', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    after(() => clock.restore());
    let open = 0;
    const harness: ConformanceHarness = {
      name: 'counted',
      async open() {
        open++;
        return { ...(await reference.open()), close: async () => void open-- };
      },
    };
    const run: (() => Promise<void>)[] = [];
    let close: (() => Promise<void>) | undefined;
    const runner: TestRunner = {
      describe: (_title, body) => body(),
      it: Object.assign((_title: string, body: () => Promise<void>) => run.push(body), {
        skip: () => {},
      }),
      // As mocha does not for a describe whose tests --grep leaves out.
      after: (body) => {
        close = body;
      },
    };
    await describeConformance(harness, runner, { only: ['ENC-001'] });
    expect(open).to.equal(1);
    await clock.tickAsync(60_000);
    expect(open).to.equal(0);
    for (const body of run) await body();
    expect(open).to.equal(1);
    await clock.tickAsync(60_000);
    expect(open).to.equal(1);
    await close?.();
    expect(open).to.equal(0);
  });
});
