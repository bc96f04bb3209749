import { createProvider } from '@keywrap/core';
import { expect } from 'chai';
import {
  type ConformanceHarness,
  conformanceCases,
  describeConformance,
  formatReport,
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
    expect(ids).to.deep.equal(['ENC-001', 'LEN-001', 'LEN-002', 'LEN-003', 'LEN-004', 'LEN-005']);
    expect(report).to.include({ provider: 'reference', passed: 6, failed: 0, notApplicable: 0 });
  });

  it('rejects the name of a case that does not exist', async () => {
    const error = await runConformance(reference, { only: ['ENC-999'] }).catch((each) => each);
    expect(error).to.be.instanceOf(RangeError);
  });

  it('reports each case as it ends', async () => {
    const seen: string[] = [];
    const onCase = ({ id, status }: { id: string; status: string }) => seen.push(`${id} ${status}`);
    await runConformance(reference, { only: ['ENC-001', 'ROT-001'], onCase });
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
    expect(results[0]?.error?.actual).to.equal('none after 0.05 s');
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
    expect(lines.slice(0, 7)).to.deep.equal([
      'Conformance of forgetful',
      '',
      'n/a     undeclared-unsupported  1 not applicable',
      '                                the provider declares keyIdFromCiphertext',
      'FAILED  encryption-context      1 passed, 1 failed',
      '',
      'CTX-203: decrypt rejects another value (INVALID_CIPHERTEXT)',
    ]);
    expect(lines.at(-2)).to.equal('to repeat: --seed 7');
    expect(lines.at(-1)).to.equal('1 passed, 1 failed, 1 not applicable');
  });

  it('shows at most three reasons', async () => {
    const lines = formatReport(await runConformance(reference, { only: ['UNS'] })).split('\n');
    expect(lines.slice(3, 7)).to.deep.equal([
      '                                the provider declares algorithm:SYMMETRIC_DEFAULT',
      '                                the provider declares algorithm:RSAES_OAEP_SHA_1',
      '                                and 12 other reasons',
      '',
    ]);
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
});
