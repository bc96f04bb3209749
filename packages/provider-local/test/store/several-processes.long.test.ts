import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import {
  arnOf,
  CHEAP,
  materialOf,
  newKey,
  openRaw,
  PASSPHRASE,
  putKey,
  rejection,
  removeKey,
  useStoreFile,
} from './support.js';
import type { Order } from './worker.js';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
const A = arnOf('a');

describe('A key store that several processes use', () => {
  const file = useStoreFile();
  let store: SqlKeyStore;
  let other: ChildProcess;
  beforeEach(async () => {
    store = await file.open({ protectedBy: { passphrase: PASSPHRASE }, scrypt: CHEAP });
    other = fork(WORKER, [file.path]);
    expect((await once(other, 'message'))[0]).to.deep.equal({ result: 'ready' });
  });
  afterEach(async () => {
    const gone = once(other, 'exit');
    other.kill();
    await gone;
  });

  /** Has the other process do something; resolves when it was acknowledged there. */
  async function tell(order: Order): Promise<unknown> {
    const response = once(other, 'message');
    other.send(order);
    const [{ result, error }] = await response;
    expect(error).to.equal(undefined);
    return result;
  }

  const readHere = async () => store.peekKey(A) ?? (await store.loadKey(A));

  it('sees a change at its next call after it was acknowledged to another', async () => {
    let hits = 0;
    for (let i = 0; i < 100; i++) {
      await tell({ do: 'put', id: 'a', description: `${i}` });
      expect((await readHere())?.description).to.equal(`${i}`);
      if (store.peekKey(A)?.description === `${i}`) hits++;
      await putKey(store, newKey('b', { description: `${i}` }));
      expect(await tell({ do: 'read', id: 'b' })).to.equal(`${i}`);
    }
    expect(hits, 'calls served from memory').to.equal(100);
    await tell({ do: 'remove', id: 'a' });
    expect(await readHere()).to.equal(undefined);
  });

  it('sees its own changes, but none of another, while calls share a look; and those after it', async () => {
    await tell({ do: 'put', id: 'a', description: '0' });
    await readHere();
    const endLook = store.lookOnce();
    await tell({ do: 'put', id: 'a', description: '1' });
    expect(store.peekKey(A)?.description).to.equal('0');
    await putKey(store, newKey('b', { description: 'own' }));
    expect(store.peekKey(arnOf('b'))?.description).to.equal('own');
    endLook();
    expect(store.peekKey(A)).to.equal(undefined);
    expect((await readHere())?.description).to.equal('1');
  });

  it('keeps the object of a version when another process changes the rest of the key, and destroys it when that removes the key', async () => {
    await putKey(store, newKey('a'));
    const material = materialOf(await readHere());
    await tell({ do: 'put', id: 'b', description: '' });
    expect(materialOf(await readHere())).to.equal(material);
    await tell({ do: 'remove', id: 'a' });
    expect(await readHere()).to.equal(undefined);
    expect(material.isDestroyed).to.equal(true);
  });

  it('waits for the lock of another process without blocking this one', async () => {
    await putKey(store, newKey('a'));
    await tell({ do: 'lock' });
    let isDone = false;
    const change = putKey(store, newKey('b')).then(() => {
      isDone = true;
    });
    // Each of these is a turn of the event loop, and a call of the store.
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect((await store.loadKey(A))?.id).to.equal('a');
    }
    expect(isDone).to.equal(false);
    await tell({ do: 'unlock' });
    await change;
    expect((await store.loadKey(arnOf('b')))?.id).to.equal('b');
  });

  it('gives up after the timeout, and changes nothing (UNAVAILABLE)', async () => {
    const impatient = await file.open({
      protectedBy: { passphrase: PASSPHRASE },
      lockTimeout: 1,
    });
    await tell({ do: 'lock' });
    const error = await rejection(putKey(impatient, newKey('a')));
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
    expect(error.message).to.include('locked by another process');
    await tell({ do: 'unlock' });
    expect(await impatient.loadKey(A)).to.equal(undefined);
  });

  it('stops waiting when it is closed', async () => {
    await tell({ do: 'lock' });
    const change = rejection(putKey(store, newKey('a')));
    await store.close();
    expect((await change).code).to.equal('CLOSED');
  });

  it('makes a consistent backup while another process writes', async () => {
    let isStopped = false;
    const writing = (async () => {
      for (let i = 0; !isStopped; i++) await tell({ do: 'put', id: `k${i}`, description: '' });
    })();
    for (let i = 0; i < 5; i++) {
      await store.backup(path.join(file.folder, `backup-${i}`));
      const { damaged } = await store.verify();
      expect(damaged).to.deep.equal([]);
    }
    isStopped = true;
    await writing;
    const restored = await file.restore({ protectedBy: { passphrase: PASSPHRASE } }, 'backup-4');
    expect((await restored.verify()).damaged).to.deep.equal([]);
    expect(restored.generation).to.be.lessThanOrEqual(store.generation);
  });

  it('never drops its own locks', async function () {
    if (process.platform === 'win32') this.skip(); // locks there belong to a handle
    await putKey(store, newKey('a'));
    /** Tells whether another process gets the write lock while this one has it. */
    const isLockLost = (before: () => void) =>
      store.change({ keys: [A], aliases: [] }, () => {
        before();
        const script = `import { DatabaseSync } from '@photostructure/sqlite';
          const database = new DatabaseSync(${JSON.stringify(file.path)}, { timeout: 0 });
          try { database.exec('begin immediate'); console.log('lost') } catch { console.log('held') }`;
        const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
          cwd: path.dirname(WORKER),
          encoding: 'utf8',
        });
        return stdout.trim();
      });
    await store.verify();
    await store.backup(path.join(file.folder, 'backup'));
    await file.open({ protectedBy: { passphrase: PASSPHRASE } });
    await store.change({ keys: [A], aliases: [] }, () => {
      // Checks of the file that come at any time, also in the middle of another call.
      store.peekKey(A);
    });
    expect(await isLockLost(() => {})).to.equal('held');
    // This is what would lose them.
    const read = () => fs.closeSync(fs.openSync(`${file.path}-shm`, 'r'));
    expect(await isLockLost(read)).to.equal('lost');
  });
});

describe('Two key stores of one thread on one file', () => {
  const file = useStoreFile();

  it("see each other's changes at once, and do not wait for each other", async () => {
    const [one, two] = [await file.open(), await file.open({ lockTimeout: 0 })];
    for (let i = 0; i < 20; i++) {
      await putKey(one, newKey('a', { description: `${i}` }));
      expect(two.peekKey(A)).to.equal(undefined);
      expect((await two.loadKey(A))?.description).to.equal(`${i}`);
      expect(two.peekKey(A)?.description).to.equal(`${i}`);
    }
    const endLook = two.lookOnce();
    await putKey(one, newKey('a', { description: 'after the look' }));
    expect(two.peekKey(A)).to.equal(undefined);
    endLook();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => putKey(i % 2 ? one : two, newKey(`k${i}`))),
    );
    await removeKey(one, A);
    expect(two.peekKey(A)).to.equal(undefined);
    expect(await two.loadKey(A)).to.equal(undefined);
    await one.close();
    expect((await two.verify()).keys).to.equal(20);
  });
});

describe('A check of a key store', () => {
  const file = useStoreFile();

  it('holds no snapshot between its pages, so that the WAL can be reset', async () => {
    const store = await file.create(450);
    const raw = await openRaw(file.path);
    const results: unknown[] = [];
    await store.verify(() =>
      results.push(raw.prepare('pragma wal_checkpoint(truncate)').get()?.busy),
    );
    raw.close();
    expect(results).to.deep.equal([0, 0, 0, 0]);
  });

  it('restarts when the store changes, and ends even if it never stops changing', async () => {
    const store = await file.create(250);
    const changes: Promise<void>[] = [];
    const done: number[] = [];
    const report = await store.verify((rows) => {
      done.push(rows);
      changes.push(putKey(store, newKey('k0', { description: `${rows}` })));
    });
    await Promise.all(changes);
    expect(report).to.deep.include({ keys: 250, damaged: [] });
    expect(done.at(-1)).to.equal(250);
    expect(done.filter((rows) => rows === 200).length, 'passes').to.be.greaterThan(1);
  });
});
