import { spawnSync } from 'node:child_process';
import fs, { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import sinon from 'sinon';
import { newRecord, openStore, rejection, snapshot, useFolder } from './support.js';

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

describe('a key store on a disk that fails', () => {
  const folder = useFolder();
  afterEach(() => sinon.restore());

  /** Every operation of the file system that a change makes, in order. */
  const STEPS = ['open', 'write', 'sync', 'link'] as const;

  /** Lets the operation with this number, counted from 0, fail; counts them all. */
  function failAt(number: number, code: string): { count: number } {
    const state = { count: 0 };
    const step = async () => {
      if (state.count++ === number) throw failure(code);
    };
    const open = fs.open;
    sinon.stub(fs, 'open').callsFake(async (...args) => {
      const writes = args[1] === 'wx';
      if (writes) await step();
      const file = await open(...args);
      const { writeFile: write, sync } = file;
      file.writeFile = async (data, options) => {
        // A full disk takes what it has room for.
        if (state.count === number) await write.call(file, (data as Uint8Array).subarray(0, 10));
        await step();
        return write.call(file, data, options);
      };
      file.sync = async () => {
        await step();
        return sync.call(file);
      };
      return file;
    });
    const link = fs.link;
    sinon.stub(fs, 'link').callsFake(async (from, to) => {
      await step();
      return link(from, to);
    });
    return state;
  }

  for (const code of ['ENOSPC', 'EIO', 'EDQUOT']) {
    it(`is as it was, or as it would be, when any one step of a change fails with ${code}`, async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a', { description: '0' }));
      const counting = failAt(-1, code);
      await store.changeKey('a', (key) => key && { ...key, description: '1' });
      sinon.restore();
      expect(counting.count, STEPS.join()).to.be.greaterThan(STEPS.length);

      for (let number = 0; number < counting.count; number++) {
        const before = (await store.readKey('a'))?.description as string;
        const after = `${before}+`;
        failAt(number, code);
        const error = await rejection(
          store.changeKey('a', (key) => key && { ...key, description: after }),
        );
        sinon.restore();
        expect(error, `step ${number}`).to.include({ code: 'UNAVAILABLE', retryable: true });
        expect(error.message).to.include(folder.path);
        if (code !== 'EIO') expect(error.message).to.include('disk is full');
        const here = await store.readKey('a');
        const anew = await (await openStore(folder.path)).readKey('a');
        expect(here).to.deep.equal(anew);
        expect([before, after]).to.include(anew?.description);
        // Only the very last step, making the new name durable, can fail after the change was made.
        if (number < counting.count - 1) expect(anew?.description).to.equal(before);
      }
      await store.changeKey('b', () => newRecord('b'));
      expect(await store.listKeys()).to.have.length(2);
      const names = [...(await snapshot(folder.path)).keys()];
      expect(names, 'nothing is left behind').to.have.length(3);
    });
  }

  it('is written in the order that makes a change durable before it is reported', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    const steps: string[] = [];
    const name = (file: unknown) =>
      path
        .relative(folder.path, String(file))
        .replace(/-[0-9a-f]{16}/, '-R')
        .replaceAll(/0{6,}/g, '') || 'folder';
    const { open, link, rm } = fs;
    sinon.stub(fs, 'open').callsFake(async (...args) => {
      const file = await open(...args);
      const { writeFile, sync } = file;
      file.writeFile = async (...data) => {
        steps.push(`write ${name(args[0])}`);
        return writeFile.apply(file, data);
      };
      file.sync = async () => {
        await sync.call(file);
        steps.push(`sync ${name(args[0])}`);
      };
      return file;
    });
    sinon.stub(fs, 'link').callsFake(async (from, to) => {
      await link(from, to);
      steps.push(`link ${name(from)} ${name(to)}`);
    });
    sinon.stub(fs, 'rm').callsFake(async (...args) => {
      steps.push(`remove ${name(args[0])}`);
      return rm(...args);
    });
    await store.changeKey('a', (key) => key && { ...key, description: 'changed' });
    expect(steps).to.deep.equal([
      'write records/3-R',
      'sync records/3-R',
      'sync records',
      'write manifest-3-R.new',
      'sync manifest-3-R.new',
      'link manifest-3-R.new manifest-3',
      'remove manifest-3-R.new',
      'sync folder',
      'remove manifest-2',
      'remove records/2-R',
    ]);
  });

  it('leaves nothing half made when it fails while the store is made', async () => {
    const counting = failAt(-1, 'ENOSPC');
    await openStore(`${folder.path}-counted`);
    sinon.restore();
    for (let number = 0; number < counting.count; number++) {
      failAt(number, 'ENOSPC');
      const error = await rejection(openStore(`${folder.path}/${number}`));
      sinon.restore();
      expect(error).to.include({ code: 'UNAVAILABLE' });
      const store = await openStore(`${folder.path}/${number}`);
      await store.changeKey('a', () => newRecord('a'));
    }
  });

  it('says so where the file system has no hard links', async () => {
    const store = await openStore(folder.path);
    sinon.stub(fs, 'link').rejects(failure('ENOTSUP'));
    const error = await rejection(store.changeKey('a', () => newRecord('a')));
    expect(error).to.include({ code: 'UNSUPPORTED' });
    expect(error.message).to.include('hard links');
  });

  it('reads from a folder that can not be written, and refuses to change it (ACCESS_DENIED)', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    for (const code of ['EROFS', 'EACCES']) {
      const open = fs.open;
      sinon.stub(fs, 'open').callsFake(async (...args) => {
        if (args[1] === 'wx') throw failure(code);
        return open(...args);
      });
      const before = await snapshot(folder.path);
      const readOnly = await openStore(folder.path);
      expect(await readOnly.readKey('a')).to.include({ id: 'a' });
      const error = await rejection(readOnly.changeKey('b', () => newRecord('b')));
      expect(error).to.include({ code: 'ACCESS_DENIED' });
      expect(error.message).to.include('read-only').and.include(folder.path);
      expect(await snapshot(folder.path)).to.deep.equal(before);
      sinon.restore();
    }
  });

  describe('for real', () => {
    /** A file system of its own, as root on Linux; elsewhere these tests can't run. */
    function mount(options: string): boolean {
      const done = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder.path]);
      return done.status === 0;
    }
    afterEach(() => spawnSync('umount', [folder.path]));

    it('keeps every acknowledged key when the disk fills up', async function () {
      await mkdir(folder.path, { mode: 0o700 });
      if (!mount('size=256k,mode=0700')) return this.skip();
      const store = await openStore(folder.path);
      const made: string[] = [];
      let error: (Error & Record<string, unknown>) | undefined;
      for (let n = 0; n < 1000 && error === undefined; n++) {
        await store
          .changeKey(`k${n}`, () => newRecord(`k${n}`))
          .then(
            () => made.push(`k${n}`),
            (reason) => {
              error = reason;
            },
          );
      }
      expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
      expect(error?.message).to.include('disk is full');
      const again = await openStore(folder.path);
      expect((await again.listKeys()).map(({ id }) => id)).to.deep.equal(made);
      expect(made.length).to.be.greaterThan(10);
    });

    it('reads from a read-only mount', async function () {
      await mkdir(folder.path, { mode: 0o700 });
      if (!mount('size=1m,mode=0700')) return this.skip();
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      spawnSync('mount', ['-o', 'remount,ro', folder.path]);
      const readOnly = await openStore(folder.path);
      expect(await readOnly.readKey('a')).to.include({ id: 'a' });
      const error = await rejection(readOnly.changeKey('b', () => newRecord('b')));
      expect(error).to.include({ code: 'ACCESS_DENIED' });
    });
  });
});
