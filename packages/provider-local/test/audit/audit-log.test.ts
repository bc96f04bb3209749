import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs';
import {
  appendFile,
  chmod,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type AuditEvent,
  InvalidInputError,
  ProviderUnavailableError,
  withAuditLog,
} from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import {
  type AuditCheckpoint,
  AuditLog,
  type AuditLogOptions,
  readCheckpoints,
  verifyAuditLogs,
  writeCheckpoints,
} from '@keywrap/provider-local/audit';
import { expect } from 'chai';
import sinon from 'sinon';
import { FS_GROUP, mountForGroup } from '../store/group-volume.js';
import { rejection } from '../support.js';

const key = new Uint8Array(32).fill(7);
const event: AuditEvent = {
  operation: 'decrypt',
  asked: ['alias/a'],
  keys: ['arn:aws:kms:us-east-1:111122223333:key/a'],
  context: ['customer', 'order'],
  outcome: 'ok',
};

async function writeMode(file: string, mode: number): Promise<void> {
  await writeFile(file, '');
  await chmod(file, mode);
}

describe('An audit log', () => {
  let parent: string;
  let folder: string;
  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'keywrap-audit-'));
    folder = path.join(parent, 'audit');
  });
  afterEach(async () => {
    sinon.restore();
    await rm(parent, { recursive: true, force: true });
  });

  const open = (options: Partial<AuditLogOptions> = {}) =>
    AuditLog.open({ folder, key, ...options });
  const verify = (options: { key?: Uint8Array; storeId?: string } = {}) =>
    verifyAuditLogs({ folder, key, ...options });
  const problems = async () => (await verify()).map(({ problem }) => problem);
  const files = async () => (await readdir(folder)).sort().map((name) => path.join(folder, name));
  const newestFile = async () => (await files()).at(-1) as string;
  const read = async (): Promise<Record<string, unknown>[]> =>
    (await readFile(await newestFile(), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('records who did what, and when, in lines that verify', async () => {
    const log = await open({ actor: 'order-service' });
    log.write(event);
    log.close();
    const lines = await read();
    expect(lines.map(({ seq, operation }) => [seq, operation])).to.deep.equal([
      [0, 'audit.open'],
      [1, 'decrypt'],
      [2, 'audit.close'],
    ]);
    const [, line] = lines;
    expect(line).to.deep.include({ ...event, pid: process.pid, actor: 'order-service' });
    expect(line?.user).to.be.a('string').and.not.equal('');
    expect(new Date(line?.time as string).getTime()).to.be.closeTo(Date.now(), 60_000);
    expect(await problems()).to.deep.equal([undefined]);
  });

  it('is a sink of withAuditLog, which writes each call and closes it', async () => {
    const provider = new LocalKeyWrapProvider({ keys: ['alias/a'] });
    const keys = withAuditLog(provider, await open());
    await keys.describeKey({ keyId: 'alias/a' });
    await rejection(keys.describeKey({ keyId: 'alias/none' }));
    await keys.close();
    expect((await read()).map(({ operation, outcome }) => [operation, outcome])).to.deep.equal([
      ['audit.open', undefined],
      ['describeKey', 'ok'],
      ['describeKey', 'KEY_NOT_FOUND'],
      ['audit.close', undefined],
    ]);
    expect((await verify())[0]).to.deep.include({ closed: true, problem: undefined });
  });

  it('returns no result of a call that could not be recorded', async () => {
    const provider = new LocalKeyWrapProvider({ keys: ['alias/a'] });
    const keys = withAuditLog(provider, await open());
    await keys.describeKey({ keyId: 'alias/a' });
    sinon.stub(nodeFs, 'writeSync').throws(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    const error = await rejection(keys.generateDataKey({ keyId: 'alias/a', keySpec: 'AES_256' }));
    expect(error).to.include({ code: 'UNAVAILABLE' });
    sinon.restore();
    await keys.close();
    expect(await problems()).to.deep.equal([undefined]);
  });

  it('records the generation of the store in every line, and reports the newest', async () => {
    let generation = 41;
    const log = await open({ storeId: 'a store', generation: () => generation });
    log.write(event);
    generation = 43;
    log.write({ ...event, operation: 'rotateKey' });
    const lines = await read();
    expect(lines.map((line) => line.generation)).to.deep.equal([41, 41, 43]);
    const [report] = await verify({ storeId: 'a store' });
    expect(report).to.deep.include({ generation: 43, lines: 3, closed: false, problem: undefined });
    log.close();
  });

  it('ignores the generation of a forged line', async () => {
    const log = await open({ generation: () => 41 });
    log.write(event);
    log.close();
    const file = await newestFile();
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replaceAll('"generation":41', '"generation":99'));
    const [report] = await verify();
    expect(report).to.deep.include({ generation: undefined, lines: 0 });
    expect(report?.problem).to.include('changed at line 1');
  });

  it('has no generation without a store', async () => {
    (await open()).close();
    expect((await verify())[0]).to.include({ generation: undefined });
    expect((await read())[0]).not.to.have.any.keys('generation', 'store');
  });

  it('verifies with its own key and for its own store only', async () => {
    (await open({ storeId: 'a store' })).close();
    expect((await verify({ storeId: 'a store' }))[0]?.problem).to.equal(undefined);
    for (const other of [
      { storeId: 'another store' },
      {},
      { storeId: 'a store', key: new Uint8Array(32).fill(8) },
    ]) {
      expect((await verify(other))[0]?.problem).to.match(
        /changed at line 1.* of another store or key/,
      );
    }
  });

  it('requires a key of 32 bytes, and copies it (INVALID_INPUT)', async () => {
    for (const bad of [
      new Uint8Array(31),
      new Uint8Array(33),
      new Uint8Array(),
      'key',
      undefined,
    ]) {
      expect(await rejection(open({ key: bad as never }))).to.include({ code: 'INVALID_INPUT' });
      expect(await rejection(verify({ key: bad as never }))).to.include({ code: 'INVALID_INPUT' });
    }
    const own = Uint8Array.from(key);
    const log = await open({ key: own });
    own.fill(0);
    log.write(event);
    log.close();
    expect(await problems()).to.deep.equal([undefined]);
  });

  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    folder: [undefined, '', 'a\0b', 1],
    actor: [1, {}],
    storeId: [1, null],
    trustedGroup: [-1, 0.5, '1000'],
    generation: [1, {}],
    checkpoint: [1, {}],
    acter: ['order-service'],
  };
  for (const [option, values] of Object.entries(wrong)) {
    it(`rejects a wrong ${option}, by name (INVALID_INPUT)`, async () => {
      for (const value of values) {
        const error = await rejection(open({ [option]: value }));
        expect(error).to.include({ code: 'INVALID_INPUT', field: `options.${option}` });
      }
    });
  }

  it('is recorded by the next log, so that its removal is detected', async () => {
    const log = await open();
    log.write({ ...event, context: ['"'.repeat(8192)] });
    const [first = ''] = await files();
    const next = await open();
    const [opening] = await read();
    expect(opening).to.have.nested.property('before[0][0]', path.basename(first));
    await rm(first);
    expect(await problems()).to.deep.equal(['is missing', undefined]);
    log.close();
    next.close();
  });

  it('with a line that never ends is rejected before its end', async () => {
    (await open()).close();
    await appendFile(await newestFile(), 'a'.repeat(20 * 1024 * 1024));
    expect(await problems()).to.have.length(1);
    expect((await problems())[0]).to.contain('was changed at line');
  });

  it('writes no line that a verification would not read to its end (INVALID_INPUT)', async () => {
    const log = await open();
    const tooLong = { ...event, operation: 'x'.repeat(2 ** 20) };
    expect(() => log.write(tooLong)).to.throw(InvalidInputError, 'line');
    log.write(event);
    log.close();
    const [report] = await verify();
    expect(report).to.deep.include({ lines: 3, closed: true, problem: undefined });
  });

  it('is one private append-only file per process, and verifies while it is written', async () => {
    const [one, other] = [await open(), await open()];
    one.write(event);
    other.write(event);
    expect(await problems()).to.deep.equal([undefined, undefined]);
    expect((await verify()).map(({ closed }) => closed)).to.deep.equal([false, false]);
    one.close();
    other.close();
    expect((await verify()).map(({ closed }) => closed)).to.deep.equal([true, true]);
    for (const file of await files()) expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect((await stat(folder)).mode & 0o777).to.equal(0o700);
  });

  it('rejects lines after it was closed (CLOSED), and may be closed again', async () => {
    const log = await open();
    log.close();
    log.close();
    expect(() => log.write(event))
      .to.throw()
      .with.property('code', 'CLOSED');
    expect(await read()).to.have.length(2);
  });

  describe('that was tampered with', () => {
    beforeEach(async () => {
      const log = await open();
      for (let n = 0; n < 4; n++) log.write(event);
      log.close();
    });

    it('reports any changed byte', async () => {
      const file = await newestFile();
      const bytes = await readFile(file);
      for (let offset = 0; offset < bytes.length; offset += 3) {
        const copy = Buffer.from(bytes);
        copy[offset] = (copy[offset] as number) ^ 1;
        await writeFile(file, copy);
        expect((await problems())[0], `byte ${offset}`).to.match(/changed|removed/);
      }
    });

    it('reports a line that was removed, repeated, moved or added, and where', async () => {
      const file = await newestFile();
      const lines = (await readFile(file, 'utf8')).trim().split('\n');
      for (let n = 0; n < lines.length; n++) {
        const others = lines.filter((_, index) => index !== n);
        const repeated = lines.flatMap((line, index) => (index === n ? [line, line] : [line]));
        const moved = [...lines];
        const m = (n + 1) % lines.length;
        [moved[n], moved[m]] = [moved[m] as string, moved[n] as string];
        for (const touched of [others, repeated, moved]) {
          await writeFile(file, `${touched.join('\n')}\n`);
          const [report] = await verify();
          const isCut = touched === others && n === lines.length - 1;
          // The end that was cut off shows as a log that was never closed.
          if (isCut) expect(report).to.include({ closed: false, problem: undefined });
          else expect(report?.problem).to.match(/changed at line \d/);
        }
      }
    });

    it("reports a log under another log's name", async () => {
      const file = await newestFile();
      await rename(file, file.replace('.jsonl', '0.jsonl'));
      expect((await problems())[0]).to.include('changed at line 1');
    });

    it('reports a log that is missing or truncated, once another has begun', async () => {
      (await open()).close();
      const [file] = (await files()) as [string];
      const text = await readFile(file, 'utf8');
      await writeFile(file, `${text.split('\n').slice(0, 3).join('\n')}\n`);
      expect((await problems())[0]).to.include('was truncated');
      await rm(file);
      expect((await problems())[0]).to.include('is missing');
    });

    it('reports lines added after its end', async () => {
      await appendFile(await newestFile(), '{"seq":6}\n');
      expect((await problems())[0]).to.include('changed at line 7');
    });
  });

  it("fails while it can't be written (UNAVAILABLE), and then continues", async () => {
    const log = await open();
    log.write(event);
    const write = nodeFs.writeSync;
    sinon.stub(nodeFs, 'writeSync').callsFake(((file: number, bytes: Uint8Array) => {
      write(file, bytes.subarray(0, 20));
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    }) as never);
    expect(() => log.write(event))
      .to.throw(/audit log.*full/)
      .with.property('code', 'UNAVAILABLE');
    sinon.restore();
    log.write(event);
    log.close();
    expect(await problems()).to.deep.equal([undefined]);
    expect((await read()).map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3]);
  });

  it('is rejected if others may read it (ACCESS_DENIED), and tolerates an empty file', async () => {
    (await open()).close();
    await writeFile(path.join(folder, '20260101T000000000Z-1-0.jsonl'), '', { mode: 0o600 });
    (await open()).close();
    expect(await problems()).to.deep.equal([undefined, undefined, undefined]);
    await chmod(folder, 0o755);
    expect(await rejection(open())).to.include({ code: 'ACCESS_DENIED' });
  });

  it("may lie with its checkpoints on a volume of a trusted group, as with Kubernetes' fsGroup", async function () {
    if (process.platform === 'win32') this.skip();
    const elsewhere = path.join(parent, 'elsewhere');
    const trusted = { trustedGroup: FS_GROUP };
    const options = { ...trusted, checkpoint: writeCheckpoints(elsewhere) };
    for (let mount = 0; mount < 2; mount++) {
      const log = await open(options);
      log.write(event);
      log.close();
      mountForGroup(parent);
    }
    const checkpoints = await readCheckpoints(elsewhere, trusted);
    const reports = await verifyAuditLogs({ folder, key, checkpoints, ...trusted });
    expect(reports.map(({ problem }) => problem)).to.deep.equal([undefined, undefined]);

    for (const refused of [undefined, FS_GROUP + 1]) {
      const options = { trustedGroup: refused };
      for (const failing of [open(options), readCheckpoints(elsewhere, options)]) {
        expect(await rejection(failing)).to.include({ code: 'ACCESS_DENIED' });
      }
      const [report] = await verifyAuditLogs({ folder, key, ...options });
      expect(report?.problem).to.include('can be changed by others');
    }
    expect(await rejection(readCheckpoints(elsewhere, { trustedGroup: -1 }))).to.include({
      code: 'INVALID_INPUT',
      field: 'options.trustedGroup',
    });
  });

  it('remembers only logs that it verified: files that are not logs make it forget none', async () => {
    const log = await open();
    log.write(event);
    const [genuine = ''] = await files();
    const name = path.basename(genuine);
    const text = await readFile(genuine, 'utf8');
    for (let i = 0; i < 120; i++) {
      const other = path.join(folder, `2999010${i % 10}T000000000Z-1-${i}.jsonl`);
      // Nothing, garbage, and the lines of another log, each of which is genuine there.
      await writeFile(other, ['', 'garbage\n', text][i % 3] as string, { mode: 0o600 });
    }
    const next = await open();
    const own = (await files()).filter((file) => !file.includes('2999'));
    const [opening = ''] = (await readFile(own[1] as string, 'utf8')).split('\n');
    expect(JSON.parse(opening).before.map(([before]: string[]) => before)).to.deep.equal([name]);
    await rm(genuine);
    expect((await verify()).find((report) => report.log === name)?.problem).to.equal('is missing');
    log.close();
    next.close();
  });

  it('is remembered as far as it is genuine, when something was added to its end', async () => {
    const log = await open();
    log.write(event);
    log.close();
    const [file = ''] = await files();
    const text = await readFile(file, 'utf8');
    await appendFile(file, `${'x'.repeat(100_000)}\n`);
    (await open()).close();
    await writeFile(file, text.split('\n').slice(0, 1).join('\n').concat('\n'));
    expect((await problems())[0]).to.include('was truncated');
    await writeFile(file, text);
    expect(await problems()).to.deep.equal([undefined, undefined]);
  });

  it('says which lines nobody has seen, whose removal from the end can not be found', async () => {
    const log = await open();
    log.write(event);
    const next = await open();
    log.write(event);
    log.write(event);
    const seen = async () => (await verify()).map(({ lines, witnessed }) => [lines, witnessed]);
    expect(await seen()).to.deep.equal([
      [4, 2],
      [1, 0],
    ]);
    log.close();
    next.close();
    expect(await seen()).to.deep.equal([
      [5, 5],
      [2, 2],
    ]);
  });

  for (const [what, make] of [
    ['a pipe', (file: string) => void execFileSync('mkfifo', ['-m', '600', file])],
    ['a link to another file', (file: string) => symlink('/dev/null', file)],
    ['a file that its group may write', (file: string) => writeMode(file, 0o660)],
    ['a file that everyone may write', (file: string) => writeMode(file, 0o602)],
  ] as const) {
    it(`is not begun, and never waits, beside ${what} (ACCESS_DENIED)`, async () => {
      (await open()).close();
      const file = path.join(folder, '29990101T000000000Z-1-1.jsonl');
      await make(file);
      const error = await rejection(open());
      expect(error).to.include({ code: 'ACCESS_DENIED' });
      expect(String(error)).to.include(path.basename(file));
      const [, report] = await verify();
      expect(report).to.deep.include({ lines: 0 });
      expect(report?.problem).to.match(/^was not read: .*(regular file|changed by others)/);
    });
  }

  describe('whose checkpoints are kept elsewhere', () => {
    let elsewhere: string;
    beforeEach(() => {
      elsewhere = path.join(parent, 'elsewhere');
    });
    const withCheckpoints = async () =>
      verifyAuditLogs({ folder, key, checkpoints: await readCheckpoints(elsewhere) });

    it('reports lines that were cut off its end while it was written', async () => {
      const log = await open({ checkpoint: writeCheckpoints(elsewhere) });
      for (let n = 0; n < 3; n++) log.write(event);
      const [sound] = await withCheckpoints();
      expect(sound).to.deep.include({ lines: 4, witnessed: 4, closed: false, problem: undefined });
      const [file = ''] = await files();
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.split('\n').slice(0, 3).join('\n').concat('\n'));
      expect(await problems(), 'without them').to.deep.equal([undefined]);
      const [cut] = await withCheckpoints();
      expect(cut?.problem).to.equal(
        'was truncated: a checkpoint after line 4 refers to a line that is missing',
      );
      await rm(file);
      expect((await withCheckpoints())[0]?.problem).to.equal('is missing');
    });

    it('reports a store that was rolled back together with its logs', async () => {
      let generation = 41;
      const log = await open({
        generation: () => generation,
        checkpoint: writeCheckpoints(elsewhere),
      });
      log.write(event);
      const [file = ''] = await files();
      const old = await readFile(file);
      generation = 42;
      log.write(event);
      log.close();
      await writeFile(file, old);
      expect((await verify())[0]).to.include({ generation: 41, problem: undefined });
      const [report] = await withCheckpoints();
      expect(report).to.include({ generation: 42 });
      expect(report?.problem).to.include('was truncated');
    });

    it('sends one after each line, and fails the call whose checkpoint is not taken', async () => {
      const sent: AuditCheckpoint[] = [];
      let isDown = false;
      const log = await open({
        checkpoint: (checkpoint) => {
          if (isDown) throw new ProviderUnavailableError('the other machine is down');
          sent.push(checkpoint);
        },
      });
      log.write(event);
      isDown = true;
      expect(() => log.write(event))
        .to.throw()
        .with.property('code', 'UNAVAILABLE');
      isDown = false;
      log.close();
      expect(sent.map(({ lines, closed }) => [lines, closed])).to.deep.equal([
        [1, false],
        [2, false],
        [4, true],
      ]);
      const reports = await verifyAuditLogs({ folder, key, checkpoints: sent });
      expect(reports.map(({ problem }) => problem)).to.deep.equal([undefined]);
    });

    it('rejects checkpoints that others may write, or that are none', async () => {
      (await open({ checkpoint: writeCheckpoints(elsewhere) })).close();
      const [name = ''] = await readdir(elsewhere);
      const file = path.join(elsewhere, name);
      expect((await stat(file)).mode & 0o777).to.equal(0o600);
      await chmod(file, 0o622);
      expect(await rejection(readCheckpoints(elsewhere))).to.include({ code: 'ACCESS_DENIED' });
      await chmod(file, 0o600);
      await writeFile(file, 'nonsense');
      expect(String(await rejection(readCheckpoints(elsewhere)))).to.include('is not a checkpoint');
      for (const checkpoints of ['text', [1], [{}], [{ log: 'a', mac: 'b', lines: 'c' }]]) {
        const error = await rejection(
          verifyAuditLogs({ folder, key, checkpoints: checkpoints as never }),
        );
        expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.checkpoints' });
      }
    });
  });

  it('keeps lines whole, whatever they contain', async () => {
    const log = await open({ actor: 'line\nbreak \u2028 "quoted" \u00e9 \ud83d\ude00' });
    log.write({ ...event, asked: ['alias/\u2029'], context: ['\u2028', '","mac":"'] });
    log.close();
    expect(await problems()).to.deep.equal([undefined]);
  });

  it('is not found in a missing folder', async () => {
    expect(await verify()).to.deep.equal([]);
  });
});
