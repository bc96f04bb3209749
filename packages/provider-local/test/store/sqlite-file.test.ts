import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import sinon from 'sinon';
import { isNewEnough, loadSqlite } from '#dist/store/dialects/sqlite-binding.js';
import { createFile } from '#dist/store/dialects/sqlite-file.js';
import {
  arnOf,
  newKey,
  openRaw,
  PROTECTED,
  putKey,
  rejection,
  tamper,
  useStoreFile,
} from './support.js';

const A = arnOf('a');
const isPosix = process.platform !== 'win32';
const modeOf = (file: string) => (fs.statSync(file).mode & 0o777).toString(8);

describe('The file of a key store', () => {
  const file = useStoreFile();
  afterEach(() => sinon.restore());

  it('is created only on request (INVALID_INPUT)', async () => {
    const error = await rejection(file.open({ create: false }));
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'location' });
    expect(fs.readdirSync(file.folder)).to.deep.equal([]);
  });

  for (const location of [
    'file:///var/lib/keys.db',
    'local:///var/lib/keys.db',
    'mysql://user:secret@host/keys',
    ':memory:',
    '',
    'a\0b',
  ]) {
    it(`is never ${JSON.stringify(location)}, which names no file (INVALID_INPUT)`, async () => {
      const error = await rejection(file.open({ location }));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.location' });
      expect(error.message).not.to.include('secret');
      const store = await file.open();
      expect((await rejection(store.backup(location))).code).to.equal('INVALID_INPUT');
      expect((await rejection(SqlKeyStore.isAt(location))).code).to.equal('INVALID_INPUT');
    });
  }

  it('is not looked for where no file can be (INVALID_INPUT)', async function () {
    if (!isPosix) this.skip();
    const store = await file.open();
    fs.symlinkSync('loop', path.join(file.folder, 'loop'));
    for (const name of ['keys.db/below', 'loop/below', 'n'.repeat(300)]) {
      const location = path.join(file.folder, name);
      expect((await rejection(file.open({ location }))).code).to.equal('INVALID_INPUT');
      expect((await rejection(store.backup(location))).code).to.equal('INVALID_INPUT');
    }
  });

  it('is private to its owner, as are the files next to it, and its folder is created', async function () {
    if (!isPosix) this.skip();
    const location = path.join(file.folder, 'one', 'two', 'keys.db');
    const store = await file.open({ location });
    await putKey(store, newKey('a'));
    const backup = path.join(file.folder, 'one', 'backup');
    await store.backup(backup);
    expect(modeOf(path.dirname(location))).to.equal('700');
    const names = fs.readdirSync(path.dirname(location));
    expect(names).to.have.members(['keys.db', 'keys.db-shm', 'keys.db-wal']);
    for (const name of names)
      expect(modeOf(path.join(path.dirname(location), name))).to.equal('600');
    expect(modeOf(backup)).to.equal('600');
  });

  it('is synced with each change, in WAL mode', async () => {
    await file.open();
    const raw = await openRaw(file.path);
    expect(raw.prepare('pragma journal_mode').get()).to.include({ journal_mode: 'wal' });
    raw.close();
  });

  it('is complete when the store is closed: the WAL is empty', async () => {
    const store = await file.open();
    await putKey(store, newKey('a'));
    await store.close();
    const copy = path.join(file.folder, 'copy.db');
    fs.copyFileSync(file.path, copy);
    const again = await file.open({ location: copy, create: false });
    expect((await again.loadKey(A))?.id).to.equal('a');
  });

  for (const mode of [0o640, 0o604, 0o660]) {
    it(`is rejected with mode ${mode.toString(8)} (ACCESS_DENIED)`, async function () {
      if (!isPosix) this.skip();
      await (await file.open()).close();
      fs.chmodSync(file.path, mode);
      const error = await rejection(file.open());
      expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
      expect(error.message)
        .to.include(`mode 0${mode.toString(8)}`)
        .and.to.include(`chmod go= ${file.path}`)
        .and.to.include('--trusted-group');
    });
  }

  it('is rejected when it belongs to another user (ACCESS_DENIED)', async function () {
    if (process.geteuid === undefined) this.skip();
    await (await file.open()).close();
    sinon.stub(process, 'geteuid').returns(process.geteuid() + 1);
    const error = await rejection(file.open());
    expect(error.code).to.equal('ACCESS_DENIED');
    expect(error.message).to.include('run as its owner');
  });

  for (const suffix of ['-wal', '-shm']) {
    it(`is rejected with a ${suffix} that others may read, or that is a link`, async function () {
      if (!isPosix) this.skip();
      await (await file.open()).close();
      const beside = file.path + suffix;
      fs.rmSync(beside, { force: true });
      fs.writeFileSync(beside, '', { mode: 0o600 });
      fs.chmodSync(beside, 0o640);
      const error = await rejection(file.open());
      expect(error.code).to.equal('ACCESS_DENIED');
      expect(error.message).to.include(beside);
      fs.rmSync(beside);
      fs.symlinkSync('elsewhere', beside);
      expect((await rejection(file.open())).message).to.include(`${beside} is a link`);
    });
  }

  it("may be read and written by a trusted group, whoever owns it, as with Kubernetes' fsGroup", async function () {
    if (process.getegid === undefined || process.geteuid === undefined) this.skip();
    const trustedGroup = process.getegid();
    const store = await file.open({ trustedGroup });
    await putKey(store, newKey('a'));
    for (const suffix of ['', '-wal', '-shm']) expect(modeOf(file.path + suffix)).to.equal('660');
    await store.close();
    sinon.stub(process, 'geteuid').returns(process.geteuid() + 1);
    const again = await file.open({ trustedGroup });
    expect((await again.loadKey(A))?.id).to.equal('a');
    await again.close();
    expect((await rejection(file.open({ trustedGroup: trustedGroup + 1 }))).code).to.equal(
      'ACCESS_DENIED',
    );
    fs.chmodSync(file.path, 0o664);
    expect((await rejection(file.open({ trustedGroup }))).code).to.equal('ACCESS_DENIED');
  });

  for (const [what, make, code] of [
    ['empty', (name) => fs.writeFileSync(name, '', { mode: 0o600 }), 'UNAVAILABLE'],
    [
      'no database',
      (name) => fs.writeFileSync(name, 'x'.repeat(9000), { mode: 0o600 }),
      'UNAVAILABLE',
    ],
    ['a link', (name) => fs.symlinkSync('elsewhere', name), 'UNAVAILABLE'],
    ['a folder', (name) => fs.mkdirSync(name), 'INVALID_INPUT'],
  ] as [string, (name: string) => void, string][]) {
    it(`is not changed if it is ${what}, even with create`, async function () {
      if (!isPosix) this.skip();
      make(file.path);
      const before = fs.lstatSync(file.path);
      const error = await rejection(file.open());
      expect(error.code).to.equal(code);
      expect(error.message).to.include(file.path);
      const { size, mtimeMs, mode } = fs.lstatSync(file.path);
      expect({ size, mtimeMs, mode }).to.deep.equal({
        size: before.size,
        mtimeMs: before.mtimeMs,
        mode: before.mode,
      });
      expect(fs.readdirSync(file.folder)).to.deep.equal(['keys.db']);
    });
  }

  it("is not changed if it is another program's database", async () => {
    fs.writeFileSync(file.path, '', { mode: 0o600 });
    await tamper(file.path, 'create table t (a)', 'insert into t values (1)');
    const error = await rejection(file.open());
    expect(error.code).to.equal('UNAVAILABLE');
    expect(error.message).to.include('is a database, but not a key store');
    const raw = await openRaw(file.path);
    expect(raw.prepare('select count(*) as n from sqlite_schema').get()?.n).to.equal(1);
    raw.close();
  });

  for (const suffix of ['-wal', '-journal']) {
    it(`is not created next to the ${suffix} of another database (INVALID_INPUT)`, async () => {
      fs.writeFileSync(file.path + suffix, 'left over');
      expect((await rejection(file.open())).message).to.include('left from another database');
      expect(fs.readdirSync(file.folder)).to.deep.equal([`keys.db${suffix}`]);
    });

    it(`is not changed if another process has just created it and its ${suffix}`, async () => {
      await (await file.open()).close();
      const before = fs.readFileSync(file.path);
      fs.writeFileSync(file.path + suffix, 'in use');
      const isNew = await createFile(file.path, undefined, () => Promise.reject(new Error('no')));
      expect(isNew).to.equal(false);
      expect(fs.readFileSync(file.path)).to.deep.equal(before);
    });
  }

  it('is created once by two concurrent calls', async () => {
    const stores = await Promise.all([file.open(), file.open(), file.open()]);
    await putKey(stores[0], newKey('a'));
    for (const store of stores) expect((await store.loadKey(A))?.id).to.equal('a');
    expect(fs.readdirSync(file.folder).filter((name) => name.endsWith('.new'))).to.deep.equal([]);
  });

  it('is opened if another process has just created it, and uses it', async () => {
    const first = await file.open();
    await putKey(first, newKey('a'));
    // As if this process had looked before the other one made it.
    const real = fs.lstatSync;
    const look = sinon.stub(fs, 'lstatSync').callThrough();
    look.onFirstCall().callsFake((() => undefined) as never as typeof real);
    const second = await file.open();
    expect((await second.loadKey(A))?.id).to.equal('a');
  });

  it('is not created if creation fails half-way', async () => {
    const options = { location: file.path, protectedBy: PROTECTED };
    const failure = new Error('no more keys');
    const contents = {
      *keys() {
        yield newKey('a');
        throw failure;
      },
      aliases: () => [],
    };
    expect(await rejection(SqlKeyStore.create(options, contents))).to.equal(failure);
    expect(fs.readdirSync(file.folder)).to.deep.equal([]);
  });

  it('is rejected on a network file system (UNSUPPORTED)', async () => {
    await (await file.open()).close();
    const real = fs.statfsSync(file.path);
    sinon.stub(fs, 'statfsSync').returns(Object.assign(real, { type: 0x6969 }));
    const error = await rejection(file.open());
    expect(error.code).to.equal('UNSUPPORTED');
    expect(error.message).to.include('NFS');
  });

  it('is opened by only one SQLite library', async () => {
    expect(await loadSqlite()).to.equal(await loadSqlite());
    for (const [version, expected] of [
      [undefined, false],
      ['3.51.2', false],
      ['3.51.3', true],
      ['3.52.0', true],
      ['3.9.9', false],
      ['4.0.0', true],
    ] as const) {
      expect(isNewEnough(version), version).to.equal(expected);
    }
  });

  it('needs SQLite, and the error says what to install (UNSUPPORTED)', function () {
    if (isNewEnough(process.versions.sqlite)) this.skip();
    // The same files, where no package is installed.
    const dist = path.join(file.folder, 'dist');
    const from = path.dirname(
      new URL(import.meta.resolve('@keywrap/provider-local/store')).pathname,
    );
    fs.cpSync(path.join(from, '..'), dist, { recursive: true });
    const core = path.dirname(new URL(import.meta.resolve('@keywrap/core')).pathname);
    fs.mkdirSync(path.join(file.folder, 'node_modules', '@keywrap'), { recursive: true });
    fs.symlinkSync(
      path.join(core, '..'),
      path.join(file.folder, 'node_modules', '@keywrap', 'core'),
    );
    fs.writeFileSync(path.join(file.folder, 'package.json'), '{"type":"module"}');
    const script = `import { loadSqlite } from ${JSON.stringify(path.join(dist, 'store/dialects/sqlite-binding.js'))};
      await loadSqlite().catch(({ code, message }) => console.log(code, message))`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      cwd: file.folder,
    });
    expect(stdout).to.include('UNSUPPORTED').and.to.include('npm install @photostructure/sqlite@1');
  });
});
