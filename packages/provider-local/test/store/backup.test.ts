import fs from 'node:fs';
import path from 'node:path';
import { DamagedStoreError, type SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import {
  arnOf,
  fullKey,
  newAlias,
  newKey,
  PASSPHRASE,
  PROTECTED,
  putAlias,
  putKey,
  readable,
  rejection,
  removeKey,
  tamper,
  useStoreFile,
} from './support.js';

const A = arnOf('a');

describe('A backup of a key store', () => {
  const file = useStoreFile();
  let store: SqlKeyStore;
  let backup: string;
  beforeEach(async () => {
    store = await file.open();
    await putKey(store, fullKey('a'));
    await putAlias(store, newAlias('x', 'a'));
    backup = path.join(file.folder, 'backup');
    await store.backup(backup);
  });

  it('is restored as it was, whatever changed later', async () => {
    const before = readable(await store.loadKey(A));
    await removeKey(store, A);
    const restored = await file.restore({}, 'backup');
    expect(readable(await restored.loadKey(A))).to.deep.equal(before);
    expect(await restored.verify()).to.include({ generation: 2, keys: 1, aliases: 1 });
    await putKey(restored, newKey('b'));
    expect(restored.generation).to.equal(3);
  });

  it('is one file, private and not changed by being restored', async () => {
    const before = fs.readFileSync(backup);
    await file.restore({}, 'backup');
    expect(fs.readFileSync(backup).equals(before)).to.equal(true);
    expect(fs.readdirSync(file.folder).filter((name) => name.startsWith('backup'))).to.deep.equal([
      'backup',
    ]);
  });

  it('opens with the protection that the store had when it was made', async () => {
    await store.protect(
      { passphrase: PASSPHRASE },
      { cost: 2 ** 14, blockSize: 8, parallelization: 1 },
    );
    await store.backup(path.join(file.folder, 'later'));
    await file.restore({ protectedBy: PROTECTED }, 'backup');
    fs.rmSync(path.join(file.folder, 'restored.db'));
    for (const name of ['-wal', '-shm'])
      fs.rmSync(path.join(file.folder, `restored.db${name}`), { force: true });
    await rejection(file.restore({ protectedBy: PROTECTED }, 'later'));
    await file.restore({ protectedBy: { passphrase: PASSPHRASE } }, 'later');
  });

  it('reports its progress', async () => {
    const seen: [number, number][] = [];
    await store.backup(path.join(file.folder, 'other'), (done, total) => seen.push([done, total]));
    expect(seen.at(-1)).to.deep.equal([2, 2]);
  });

  it('is restored to a new file only (INVALID_INPUT)', async () => {
    const location = path.join(file.folder, 'restored.db');
    await (await file.open({ location })).close();
    const before = fs.readFileSync(location);
    expect((await rejection(file.restore({}, 'backup'))).code).to.equal('INVALID_INPUT');
    expect(fs.readFileSync(location).equals(before)).to.equal(true);
    fs.writeFileSync(location, '');
    expect((await rejection(file.restore({}, 'backup'))).code).to.equal('INVALID_INPUT');
  });

  it('is not restored to PostgreSQL, which has its own tools (UNSUPPORTED)', async () => {
    const restored = file.restore({ location: 'postgres://localhost/keys' }, 'backup');
    expect((await rejection(restored)).message).to.include('pg_restore');
  });

  it('is not written over a file (INVALID_INPUT)', async () => {
    const error = await rejection(store.backup(backup));
    expect(error.code).to.equal('INVALID_INPUT');
    expect(error.message).to.include('exists already');
  });

  it('is not restored if it is damaged, and nothing is created', async () => {
    await tamper(backup, 'update keywrap_keys set sealed = zeroblob(100)');
    for (const name of ['-wal', '-shm']) fs.rmSync(backup + name, { force: true });
    expect(await rejection(file.restore({}, 'backup'))).to.be.instanceOf(DamagedStoreError);
    expect(fs.existsSync(path.join(file.folder, 'restored.db'))).to.equal(false);
  });

  it('is not made from a damaged store', async () => {
    await store.close();
    await tamper(file.path, `delete from keywrap_aliases`);
    const again = await file.open();
    const other = path.join(file.folder, 'other');
    expect(await rejection(again.backup(other))).to.be.instanceOf(DamagedStoreError);
    expect(fs.readdirSync(file.folder).some((name) => name.startsWith('other'))).to.equal(false);
  });

  it('is not restored from a missing file (INVALID_INPUT)', async () => {
    expect((await rejection(file.restore({}, 'missing'))).code).to.equal('INVALID_INPUT');
  });
});

describe('The protection of a key store', () => {
  const file = useStoreFile();

  it('is replaced, for every process that opens it later', async () => {
    const store = await file.open();
    await putKey(store, newKey('a'));
    const cost = { cost: 2 ** 14, blockSize: 8, parallelization: 1 } as const;
    await store.protect({ passphrase: PASSPHRASE }, cost);
    expect(store.generation).to.equal(2);
    await putKey(store, newKey('b'));
    await store.close();
    expect((await rejection(file.open())).code).to.equal('INVALID_INPUT');
    const wrong = await rejection(file.open({ protectedBy: { passphrase: 'wrong' } }));
    expect(wrong.code).to.equal('ACCESS_DENIED');
    const again = await file.open({ protectedBy: { passphrase: PASSPHRASE } });
    expect(await again.verify()).to.deep.include({ generation: 3, keys: 2, damaged: [] });
  });
});
