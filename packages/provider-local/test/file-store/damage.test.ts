import {
  copyFile,
  cp,
  mkdir,
  readFile,
  rename,
  rm,
  rmdir,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { DamagedStoreError } from '@keywrap/provider-local/file-store';
import { expect } from 'chai';
import {
  manifestFile,
  newRecord,
  openStore,
  recordFile,
  rejection,
  snapshot,
  useFolder,
} from './support.js';

describe('a key store whose files were touched', () => {
  const folder = useFolder();

  /** Opens the store anew and reads the key; what comes of it, and that nothing is written. */
  async function reading(id: string): Promise<Error & Record<string, unknown>> {
    const before = await snapshot(folder.path);
    const error = await rejection((async () => (await openStore(folder.path)).readKey(id))());
    expect(await snapshot(folder.path)).to.deep.equal(before);
    return error;
  }

  async function expectDamage(id: string, file: string, problem: string): Promise<void> {
    const error = await reading(id);
    expect(error).to.be.instanceOf(DamagedStoreError);
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: false, file, keyId: id });
    expect(error.message).to.include(`key ${id}: ${file} ${problem}`).and.include('backup');
  }

  describe('a record', () => {
    it('cut short anywhere is found and named', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const file = await recordFile(folder.path);
      const bytes = await readFile(file);
      for (let length = 0; length < bytes.length; length++) {
        await writeFile(file, bytes.subarray(0, length));
        const error = await rejection((async () => (await openStore(folder.path)).readKey('a'))());
        expect(error, `${length} bytes`).to.be.instanceOf(DamagedStoreError);
        expect(error).to.include({ file, keyId: 'a' });
      }
    });

    it('with any byte changed, or one added, is found and named', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const file = await recordFile(folder.path);
      const bytes = await readFile(file);
      for (let offset = 0; offset <= bytes.length; offset++) {
        const changed = Buffer.concat([bytes, Buffer.of(0)]).subarray(
          0,
          Math.max(bytes.length, offset + 1),
        );
        changed[offset] = (changed[offset] as number) ^ 0x10;
        await writeFile(file, changed);
        const error = await rejection((async () => (await openStore(folder.path)).readKey('a'))());
        // The fourth byte is the version of the format: another one is another error.
        if (offset === 3) expect(error).to.include({ code: 'UNSUPPORTED' });
        else expect(error, `byte ${offset}`).to.be.instanceOf(DamagedStoreError);
        expect(error.message).to.include(file);
      }
    });

    it('put in the place of another is found, and both are named', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const fileOfA = await recordFile(folder.path);
      await store.changeKey('b', () => newRecord('b'));
      const fileOfB = await recordFile(folder.path);
      await copyFile(fileOfA, fileOfB);
      await expectDamage('b', fileOfB, 'holds key a instead');
      expect(await (await openStore(folder.path)).readKey('a'), 'the other still works').to.include(
        {
          id: 'a',
        },
      );
    });

    it('of which an older version was put back is found', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const older = await readFile(await recordFile(folder.path));
      await store.changeKey('a', (key) => key && { ...key, keyState: 'Disabled' });
      const file = await recordFile(folder.path);
      await writeFile(file, older);
      await expectDamage('a', file, 'is an older record, put back: of generation 2 and not 3');
    });

    it('of the same generation that the store never came to use is found', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      // Two ways on from the same state: what one copy wrote is put into the other.
      await cp(folder.path, `${folder.path}-copy`, { recursive: true });
      const copy = await openStore(`${folder.path}-copy`);
      await copy.changeKey('a', (key) => key && { ...key, description: 'one' });
      await store.changeKey('a', (key) => key && { ...key, description: 'two' });
      const file = await recordFile(folder.path);
      await copyFile(await recordFile(`${folder.path}-copy`), file);
      await expectDamage('a', file, 'is a record that the store never came to use');
    });

    it('of another store is found', async () => {
      const other = await openStore(`${folder.path}-other`);
      await other.changeKey('a', () => newRecord('a'));
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const file = await recordFile(folder.path);
      await copyFile(await recordFile(`${folder.path}-other`), file);
      await expectDamage('a', file, 'was changed or cut short');
    });

    it('that is missing is found, and named', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      await store.changeKey('b', () => newRecord('b'));
      const file = await recordFile(folder.path);
      await rm(file);
      await expectDamage('b', file, 'is missing');
    });

    it('that is foreign, a link or a folder is found', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const file = await recordFile(folder.path);
      await writeFile(file, 'something else entirely');
      await expectDamage('a', file, 'is foreign or cut short');
      await rename(file, `${folder.path}-elsewhere`);
      await symlink(`${folder.path}-elsewhere`, file);
      await expectDamage('a', file, 'is a symbolic link');
      await rm(file);
      await copyFile(await manifestFile(folder.path), file);
      await expectDamage('a', file, 'holds something else where a record belongs');
      await rm(file);
      await mkdir(file);
      await expectDamage('a', file, 'is not a regular file');
      await rmdir(file);
      await writeFile(file, '', { mode: 0o600 });
      await truncate(file, 65 * 1024 * 1024);
      await expectDamage('a', file, 'is longer than any file of a store');
    });
  });

  describe('a manifest', () => {
    it('cut short or changed anywhere is found before anything is used', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const file = await manifestFile(folder.path);
      const bytes = await readFile(file);
      for (let offset = 0; offset < bytes.length; offset++) {
        for (const damaged of [bytes.subarray(0, offset), flipped(bytes, offset)]) {
          await writeFile(file, damaged);
          const error = await rejection(openStore(folder.path));
          const codes = ['UNAVAILABLE', 'UNSUPPORTED', 'ACCESS_DENIED'];
          expect(codes, `byte ${offset}: ${error.stack}`).to.include(error.code);
        }
      }
    });

    it('of an older generation under a new name is found', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const older = await readFile(await manifestFile(folder.path));
      await store.changeKey('a', () => undefined);
      await writeFile(await manifestFile(folder.path), older);
      expect((await rejection(openStore(folder.path))).message).to.include(
        'is the manifest of generation 2, put in the place of another',
      );
    });

    it('of an older generation, put back under its own name, is found by whoever has seen a newer', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const before = await manifestFile(folder.path);
      const older = await readFile(before);
      await store.changeKey('b', () => newRecord('b'));
      await rm(await manifestFile(folder.path));
      await writeFile(before, older, { mode: 0o600 });
      const error = await rejection((async () => store.readKey('a'))());
      expect(error).to.be.instanceOf(DamagedStoreError);
      expect(error.message).to.include('was set back').and.include('generation 2');
      expect(await rejection(store.changeKey('c', () => newRecord('c')))).to.include({
        code: 'UNAVAILABLE',
      });
    });

    it('that is missing is found by whoever has the store open, and is no store to others', async () => {
      const store = await openStore(folder.path);
      await rm(await manifestFile(folder.path));
      expect(await rejection((async () => store.listKeys())())).to.be.instanceOf(DamagedStoreError);
      const error = await rejection(openStore(folder.path, { create: false }));
      expect(error).to.include({ code: 'INVALID_INPUT' });
    });

    it('with a head of another shape is found', async () => {
      await openStore(folder.path);
      const file = await manifestFile(folder.path);
      const bytes = await readFile(file);
      for (const header of [
        'null',
        '7',
        '[]',
        '{}',
        '{"protection":null}',
        '{"protection":{"by":"me"}}',
        '{',
      ]) {
        await writeFile(file, withHeader(bytes, header));
        const error = await rejection(openStore(folder.path));
        expect(error, header).to.be.instanceOf(DamagedStoreError);
      }
    });

    it('that is a link is found', async () => {
      await openStore(folder.path);
      const file = await manifestFile(folder.path);
      await rename(file, `${folder.path}-elsewhere`);
      await symlink(`${folder.path}-elsewhere`, file);
      expect((await rejection(openStore(folder.path))).message).to.include('symbolic link');
    });

    it('with monstrous scrypt settings exhausts nothing (UNSUPPORTED)', async () => {
      await openStore(folder.path);
      const file = await manifestFile(folder.path);
      for (const scrypt of [
        { cost: 2 ** 30 },
        { cost: 2 ** 22, blockSize: 32 },
        { parallelization: 2 ** 20 },
        { cost: -2 },
        { cost: null },
      ]) {
        await writeFile(file, withScrypt(await readFile(file), scrypt));
        expect(await rejection(openStore(folder.path))).to.include({ code: 'UNSUPPORTED' });
      }
    });
  });
});

/** A manifest with other settings in its head, which is readable and begins after 9 bytes. */
function withScrypt(manifest: Buffer, scrypt: object): Buffer {
  const end = 9 + manifest.readUInt32BE(5);
  const header = JSON.parse(manifest.toString('utf8', 9, end));
  Object.assign(header.protection.scrypt, scrypt);
  return withHeader(manifest, JSON.stringify(header));
}

function withHeader(manifest: Buffer, header: string): Buffer {
  const json = Buffer.from(header);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  const rest = manifest.subarray(9 + manifest.readUInt32BE(5));
  return Buffer.concat([manifest.subarray(0, 5), length, json, rest]);
}

function flipped(bytes: Uint8Array, offset: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = (copy[offset] as number) ^ 1;
  return copy;
}
