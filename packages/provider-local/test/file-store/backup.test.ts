import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DamagedStoreError, FileKeyStore } from '@keywrap/provider-local/file-store';
import { LocalKeyWrapProvider } from '@keywrap/provider-local/old-keys';
import { expect } from 'chai';
import {
  CHEAP,
  newRecord,
  openStore,
  PASSPHRASE,
  recordFile,
  rejection,
  snapshot,
  useFolder,
} from './support.js';

describe('a backup of a key store', () => {
  const folder = useFolder();
  const protectedBy = { passphrase: PASSPHRASE };
  const target = () => `${folder.path}-restored`;

  async function filled(): Promise<FileKeyStore> {
    const store = await openStore(folder.path);
    for (const id of ['a', 'b', 'c']) await store.changeKey(id, () => newRecord(id));
    await store.changeKey('b', (key) => key && { ...key, keyState: 'Disabled' });
    const pendingMaterial = { version: 2, material: new Uint8Array(32).fill(7) };
    await store.changeKey('c', (key) => key && { ...key, pendingMaterial, details: 'details' });
    await store.changeAlias('alias/a', () => 'a');
    return store;
  }

  it('gives the same store again, in another folder', async () => {
    const store = await filled();
    const progress: string[] = [];
    const backup = await store.backup((done, total) => progress.push(`${done}/${total}`));
    expect(progress).to.deep.equal(['1/3', '2/3', '3/3']);
    const restored = await FileKeyStore.restore({ folder: target(), backup, protectedBy });
    for (const again of [restored, await openStore(target(), { create: false })]) {
      expect(await again.listKeys()).to.deep.equal(await store.listKeys());
      expect(await again.listAliases()).to.deep.equal(await store.listAliases());
      expect(await again.verify()).to.include({ keys: 3, generation: 7 });
    }
    await restored.changeKey('d', () => newRecord('d'));
    expect(await restored.verify()).to.deep.equal({
      keys: 4,
      generation: 8,
      damaged: [],
      strays: [],
    });
  });

  it('opens with what protected the store when it was made', async () => {
    const store = await filled();
    const backup = await store.backup();
    await store.protect({ passphrase: 'the next one' }, CHEAP);
    const wrong = { folder: target(), backup, protectedBy: { passphrase: 'the next one' } };
    expect(await rejection(FileKeyStore.restore(wrong))).to.include({ code: 'ACCESS_DENIED' });
    expect(await snapshot(target())).to.deep.equal(new Map());
    await FileKeyStore.restore({ folder: target(), backup, protectedBy });
  });

  it('of a store that a provider protects needs the provider', async () => {
    const provider = new LocalKeyWrapProvider({ keys: ['alias/store'] });
    const byProvider = { provider, keyId: 'alias/store' };
    const store = await openStore(folder.path, { protectedBy: byProvider });
    await store.changeKey('a', () => newRecord('a'));
    const backup = await store.backup();
    expect(
      await rejection(FileKeyStore.restore({ folder: target(), backup, protectedBy })),
    ).to.include({ code: 'INVALID_INPUT', field: 'protectedBy' });
    const restored = await FileKeyStore.restore({
      folder: target(),
      backup,
      protectedBy: byProvider,
    });
    expect(await restored.listKeys()).to.have.length(1);
  });

  it('shows no key material, description or alias', async () => {
    const store = await openStore(folder.path);
    const material = Buffer.from('this is thirty-two bytes long!!!');
    const materials = [{ version: 1, material }];
    await store.changeKey('a', () => newRecord('a', { materials, description: 'for-the-board' }));
    await store.changeAlias('alias/merger', () => 'a');
    const backup = Buffer.from(await store.backup());
    for (const secret of [material, 'for-the-board', 'alias/merger']) {
      expect(backup.includes(secret)).to.equal(false);
    }
  });

  it('that was cut short or changed anywhere is refused, and nothing is written', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    const backup = await store.backup();
    for (let offset = 0; offset < backup.length; offset++) {
      const changed = backup.slice();
      changed[offset] = (changed[offset] as number) ^ 1;
      for (const damaged of [changed, backup.subarray(0, offset)]) {
        const restore = FileKeyStore.restore({ folder: target(), backup: damaged, protectedBy });
        const error = await rejection(restore);
        const codes = ['UNAVAILABLE', 'UNSUPPORTED', 'ACCESS_DENIED'];
        expect(codes, `byte ${offset}: ${error.stack}`).to.include(error.code);
      }
    }
    expect(await snapshot(target())).to.deep.equal(new Map());
  });

  it('is not made of a store that is damaged', async () => {
    const store = await filled();
    await writeFile(await recordFile(folder.path), 'x');
    expect(await rejection(store.backup())).to.be.instanceOf(DamagedStoreError);
  });

  it('never replaces a store, or joins other files (INVALID_INPUT)', async () => {
    const backup = await (await filled()).backup();
    const before = await snapshot(folder.path);
    const onto = FileKeyStore.restore({ folder: folder.path, backup, protectedBy });
    expect(await rejection(onto)).to.include({ code: 'INVALID_INPUT', field: 'folder' });
    expect(await snapshot(folder.path)).to.deep.equal(before);
    await mkdir(target(), { mode: 0o700 });
    await writeFile(path.join(target(), 'notes.txt'), '');
    const beside = FileKeyStore.restore({ folder: target(), backup, protectedBy });
    expect(await rejection(beside)).to.include({ code: 'INVALID_INPUT', field: 'folder' });
    expect(await readdir(target())).to.deep.equal(['notes.txt']);
  });

  it('is restored after a restore that was killed', async () => {
    const store = await filled();
    const backup = await store.backup();
    const records = path.join(target(), 'records');
    await mkdir(records, { recursive: true, mode: 0o700 });
    const name = path.basename(await recordFile(folder.path));
    await writeFile(
      path.join(records, name),
      (await readFile(await recordFile(folder.path))).subarray(0, 9),
    );
    const restored = await FileKeyStore.restore({ folder: target(), backup, protectedBy });
    expect(await restored.verify()).to.deep.include({ damaged: [], strays: [] });
  });

  it('is of one moment, while another process changes the store', async () => {
    const store = await filled();
    const writer = await openStore(folder.path);
    let writing: Promise<void> | undefined;
    const backup = await store.backup(() => {
      writing ??= (async () => {
        for (const id of ['a', 'b', 'c']) {
          await writer.changeKey(id, (key) => key && { ...key, description: 'changed' });
        }
      })();
    });
    await writing;
    const restored = await FileKeyStore.restore({ folder: target(), backup, protectedBy });
    expect(await restored.verify()).to.deep.include({ keys: 3, damaged: [] });
  });
});

describe('verifying a key store', () => {
  const folder = useFolder();

  it('names every damaged record and every stray file, and changes nothing', async () => {
    const store = await openStore(folder.path);
    for (const id of ['a', 'b', 'c']) await store.changeKey(id, () => newRecord(id));
    await store.listKeys();
    const records = (await readdir(path.join(folder.path, 'records'))).sort();
    await writeFile(path.join(folder.path, 'records', records[0] as string), 'x');
    await writeFile(path.join(folder.path, 'records', records[2] as string), 'y');
    await writeFile(path.join(folder.path, 'records', 'note'), '');
    await writeFile(path.join(folder.path, '.DS_Store'), '');
    const before = await snapshot(folder.path);
    const report = await store.verify();
    expect(report).to.include({ keys: 3, generation: 4 });
    expect(report.damaged.map(({ keyId }) => keyId)).to.deep.equal(['a', 'c']);
    expect(report.strays).to.deep.equal(['.DS_Store', path.join('records', 'note')]);
    expect(await snapshot(folder.path)).to.deep.equal(before);
  });
});
