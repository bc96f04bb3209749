import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { arnOf, CHEAP, newKey, openRaw, PASSPHRASE, putKey, useStoreFile } from './support.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SHIM = fileURLToPath(new URL('../../test/store/faulty-disk.c', import.meta.url));
const PROTECTION = { protectedBy: { passphrase: PASSPHRASE }, scrypt: CHEAP };

/** Another process that opens the store, runs `work`, and prints as JSON what that returns. */
function runElsewhere(
  location: string,
  work: string,
  options: { env?: NodeJS.ProcessEnv; uid?: number; gid?: number } = {},
): unknown {
  const script = `
    import fs from 'node:fs';
    import { SqlKeyStore } from '@keywrap/provider-local/store';
    import { arnOf, newKey, PASSPHRASE, putKey, readable, rejection } from './support.js';
    const [location, fault] = [${JSON.stringify(location)}, process.env.FAULT];
    const open = () => SqlKeyStore.open({ location, protectedBy: { passphrase: PASSPHRASE } });
    const idOf = async (store, id) => (await store.loadKey(arnOf(id)))?.id ?? null;
    const codeOf = async (work) => { const { code, message } = await rejection(work); return { code, message } };
    const work = async () => { ${work} };
    console.log(JSON.stringify(await work()));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: HERE,
    encoding: 'utf8',
    ...options,
    env: { ...process.env, ...options.env },
  });
  expect(stderr).to.equal('');
  return JSON.parse(stdout);
}

const isRoot = process.geteuid?.() === 0;
/** A user who is not root, for whom modes count: coverage can't be written by it. */
const USER = isRoot ? { uid: 65534, gid: 65534 } : {};

/** Gives the files in a folder, and the folder, to {@link USER}. */
function giveAway(folder: string): void {
  if (!isRoot) return;
  const names = fs.readdirSync(folder).map((name) => path.join(folder, name));
  for (const name of [folder, ...names]) fs.chownSync(name, 65534, 65534);
}

describe('A key store on a read-only disk', () => {
  const file = useStoreFile();

  /** Runs work as a user who may read the folder, and write nothing. */
  function runReadOnly(work: string): unknown {
    const names = fs.readdirSync(file.folder).map((name) => path.join(file.folder, name));
    for (const name of names) fs.chmodSync(name, 0o400);
    fs.chmodSync(file.folder, 0o500);
    try {
      giveAway(file.folder);
      return runElsewhere(file.path, work, { ...USER, env: { NODE_V8_COVERAGE: '' } });
    } finally {
      fs.chmodSync(file.folder, 0o700);
    }
  }

  beforeEach(async function () {
    if (process.platform === 'win32') this.skip();
    const store = await file.open(PROTECTION);
    await putKey(store, newKey('a'));
    await store.close();
  });

  it('is read, listed and checked, and rejects changes (ACCESS_DENIED)', () => {
    for (const name of ['-wal', '-shm']) fs.rmSync(file.path + name, { force: true });
    const result = runReadOnly(`
      const store = await open();
      const { damaged } = await store.verify();
      const { code } = await codeOf(putKey(store, newKey('b')));
      return [await idOf(store, 'a'), damaged, code, await idOf(store, 'a'), await idOf(store, 'b')]`);
    expect(result).to.deep.equal(['a', [], 'ACCESS_DENIED', 'a', null]);
  });

  it('is read when the WAL is empty', () => {
    fs.rmSync(`${file.path}-shm`, { force: true });
    fs.writeFileSync(`${file.path}-wal`, '');
    expect(runReadOnly(`return idOf(await open(), 'a')`)).to.equal('a');
  });

  it('is not opened without the content of its WAL (ACCESS_DENIED)', async () => {
    const copy = path.join(file.folder, 'copy');
    const raw = await openRaw(file.path);
    raw.exec('update keywrap_store set generation = generation + 1');
    fs.copyFileSync(`${file.path}-wal`, copy);
    raw.close();
    fs.renameSync(copy, `${file.path}-wal`);
    fs.rmSync(`${file.path}-shm`, { force: true });
    const { code, message } = runReadOnly('return codeOf(open())') as Record<string, string>;
    expect(code).to.equal('ACCESS_DENIED');
    expect(message).to.include('mounted read-only');
  });
});

describe('A key store whose file could not be written when it was opened', () => {
  const file = useStoreFile();

  it('is written once that can be done', async function () {
    if (process.platform === 'win32') this.skip();
    // It keeps the WAL there.
    await putKey(await file.open(PROTECTION), newKey('a'));
    giveAway(file.folder);
    const result = runElsewhere(
      file.path,
      `fs.chmodSync(location, 0o400);
      const store = await open();
      const before = [await idOf(store, 'a'), (await codeOf(putKey(store, newKey('b')))).code];
      fs.chmodSync(location, 0o600);
      await putKey(store, newKey('c'));
      return [...before, await idOf(store, 'c'), (await store.verify()).damaged]`,
      { ...USER, env: { NODE_V8_COVERAGE: '' } },
    );
    expect(result).to.deep.equal(['a', 'ACCESS_DENIED', 'c', []]);
  });
});

describe('A key store on a disk that fails', () => {
  const file = useStoreFile();
  let env: NodeJS.ProcessEnv;

  before(function () {
    if (process.platform !== 'linux' || spawnSync('cc', ['--version']).status !== 0) {
      console.log('      no C compiler: a disk that fails was not tried');
      this.skip();
    }
  });
  beforeEach(async () => {
    const shim = path.join(file.folder, 'faulty-disk.so');
    const { stderr } = spawnSync('cc', ['-shared', '-fPIC', '-o', shim, SHIM, '-ldl'], {
      encoding: 'utf8',
    });
    expect(stderr).to.equal('');
    env = { LD_PRELOAD: shim, FAULT: path.join(file.folder, 'fault') };
    const store = await file.open(PROTECTION);
    await putKey(store, newKey('a'));
    await store.close();
  });

  it('can be read while the disk is full, and changed again when it is not', () => {
    const result = runElsewhere(
      file.path,
      `const store = await open();
      fs.writeFileSync(fault, 'full');
      const change = await codeOf(putKey(store, newKey('b')));
      const during = [await idOf(store, 'a'), await idOf(store, 'b'), (await store.verify()).damaged];
      fs.rmSync(fault);
      await putKey(store, newKey('c'));
      return [change, during, await idOf(store, 'c'), (await store.verify()).damaged]`,
      { env },
    );
    const message = `could not change ${file.path}: the disk is full; nothing was changed; make room and try again`;
    expect(result).to.deep.equal([{ code: 'UNAVAILABLE', message }, ['a', null, []], 'c', []]);
  });

  it('opens and reads while the disk is full', () => {
    const result = runElsewhere(
      file.path,
      `fs.writeFileSync(fault, 'full');
      const store = await open();
      const during = [await idOf(store, 'a'), (await codeOf(putKey(store, newKey('b')))).message];
      fs.rmSync(fault);
      await putKey(store, newKey('c'));
      return [during, await idOf(store, 'c')]`,
      { env },
    );
    const message = `could not change ${file.path}: the disk is full; nothing was changed; make room and try again`;
    expect(result).to.deep.equal([['a', message], 'c']);
  });

  it('reports that a change whose sync failed may have been made, and serves nothing that may be lost', async () => {
    const result = runElsewhere(
      file.path,
      `const store = await open();
      await store.loadKey(arnOf('a'));
      fs.writeFileSync(fault, 'sync');
      const change = await codeOf(putKey(store, newKey('b')));
      const during = [(await codeOf(store.loadKey(arnOf('a')))).code, store.peekKey(arnOf('a')) ?? null];
      fs.rmSync(fault);
      const after = await idOf(store, 'b');
      await putKey(store, newKey('c'));
      return [change, during, after, await idOf(store, 'b'), (await store.verify()).damaged]`,
      { env },
    );
    const [change, during, after, later, damaged] = result as [
      Record<string, string>,
      unknown,
      unknown,
      unknown,
      unknown,
    ];
    expect(change.code).to.equal('UNAVAILABLE');
    expect(change.message).to.include('the change may have been made');
    // Until the WAL is on the disk, the contents are unknown.
    expect(during).to.deep.equal(['UNAVAILABLE', null]);
    expect(later).to.equal(after);
    expect(damaged).to.deep.equal([]);
    const store = await file.open(PROTECTION);
    expect((await store.loadKey(arnOf('b')))?.id ?? null).to.equal(after);
    expect((await store.loadKey(arnOf('c')))?.id).to.equal('c');
  });

  it('acknowledges nothing that was not synced, also where its folder may not be changed', async () => {
    const folder = path.join(file.folder, 'private');
    const location = path.join(folder, 'keys.db');
    await putKey(await file.open({ ...PROTECTION, location }), newKey('a'));
    giveAway(folder);
    fs.chmodSync(folder, 0o500);
    fs.chmodSync(file.folder, 0o777);
    try {
      const result = runElsewhere(
        location,
        `const store = await open();
        fs.writeFileSync(fault, 'sync');
        const change = await codeOf(putKey(store, newKey('b')));
        fs.rmSync(fault);
        await putKey(store, newKey('c'));
        return [change.code, await idOf(store, 'c')]`,
        { ...USER, env: { ...env, NODE_V8_COVERAGE: '' } },
      );
      expect(result).to.deep.equal(['UNAVAILABLE', 'c']);
    } finally {
      fs.chmodSync(folder, 0o700);
    }
  });

  it('is undamaged after a kill that follows a failed sync, with or without the change', async () => {
    runElsewhere(
      file.path,
      `const store = await open();
      fs.writeFileSync(fault, 'sync');
      await rejection(putKey(store, newKey('b')));
      console.log('null');
      process.kill(process.pid, 'SIGKILL');`,
      { env },
    );
    fs.rmSync(env.FAULT as string);
    const store = await file.open(PROTECTION);
    expect((await store.verify()).damaged).to.deep.equal([]);
    expect((await store.loadKey(arnOf('a')))?.id).to.equal('a');
  });
});
