import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type KeyRecord,
  LocalKeyWrapProvider,
  type MaterialVersion,
} from '@keywrap/provider-local/old-keys';
import { expect } from 'chai';
import sinon from 'sinon';
import { shownOf, shows } from '../leaks.js';
import {
  CHEAP,
  manifestFile,
  newRecord,
  openStore,
  recordFile,
  rejection,
  snapshot,
  useFolder,
} from './support.js';

describe('a key store on disk', () => {
  const folder = useFolder();

  it('gives back every field of a key after it was opened again', async () => {
    const record = newRecord('a', {
      keySpec: 'RSA_2048',
      keyState: 'PendingDeletion',
      origin: 'EXTERNAL',
      description: 'ünïcode, "quotes"',
      deletionDate: new Date('2027-01-01T00:00:00Z'),
      materials: [
        { version: 1, material: Uint8Array.of(1, 2, 3), publicKey: Uint8Array.of(9, 8) },
        { version: 2, material: new Uint8Array(2400).fill(7) },
      ],
      pendingMaterial: { version: 3, material: Uint8Array.of(4, 5), publicKey: Uint8Array.of(7) },
      details: '\ufeff{"any":"text, ünïcode"}',
    });
    const store = await openStore(folder.path);
    await store.changeKey('a', () => record);
    await store.changeAlias('alias/a', () => 'a');
    const again = await openStore(folder.path);
    expect(await again.readKey('a')).to.deep.equal(record);
    expect(await again.readAlias('alias/a')).to.equal('a');
    expect(await again.listKeys()).to.deep.equal([record]);
  });

  it('keeps keys and aliases in order, whatever their names', async () => {
    const store = await openStore(folder.path);
    for (const id of ['z', '10', '9', '__proto__', 'constructor']) {
      await store.changeKey(id, () => newRecord(id));
      await store.changeAlias(`alias/${id}`, () => id);
    }
    const again = await openStore(folder.path);
    const ids = (await again.listKeys()).map(({ id }) => id);
    expect(ids).to.deep.equal(['z', '10', '9', '__proto__', 'constructor']);
    const aliases = (await again.listAliases()).map(([alias]) => alias);
    expect(aliases).to.deep.equal([...aliases].sort());
    expect(aliases).to.have.length(5);
  });

  it('keeps ids that differ only in case apart, and ids of 255 characters', async () => {
    const store = await openStore(folder.path);
    for (const id of ['A', 'a', 'x'.repeat(255)]) await store.changeKey(id, () => newRecord(id));
    expect(
      (await (await openStore(folder.path)).listKeys()).map(({ id }) => id.length),
    ).to.deep.equal([1, 1, 255]);
  });

  it('has one file per key, removes what a change replaces, and takes the aliases of a key with it', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    await store.changeKey('b', () => newRecord('b'));
    await store.changeAlias('alias/a', () => 'a');
    await store.changeAlias('alias/b', () => 'b');
    await store.changeKey('a', (key) => key && { ...key, keyState: 'Disabled' });
    expect(await readdir(path.join(folder.path, 'records'))).to.have.length(2);
    await store.changeKey('a', () => undefined);
    expect(await readdir(path.join(folder.path, 'records'))).to.have.length(1);
    expect(await readdir(folder.path)).to.deep.equal(['manifest-000000000007', 'records']);
    expect(await store.readKey('a')).to.equal(undefined);
    expect(await store.listAliases()).to.deep.equal([['alias/b', 'b']]);
  });

  it('gives the same record, and the same material, until it changes', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    const reader = await openStore(folder.path);
    const first = await reader.readKey('a');
    expect(await reader.readKey('a')).to.equal(first);
    await store.changeKey('b', () => newRecord('b'));
    expect(await reader.readKey('a')).to.equal(first);
    await store.changeKey('a', (key) => key && { ...key, keyState: 'Disabled' });
    const second = await reader.readKey('a');
    expect(second?.keyState).to.equal('Disabled');
    expect(second?.materials[0]).to.equal(first?.materials[0]);
  });

  it('gives material that waited as the same material when it comes into use', async () => {
    const store = await openStore(folder.path);
    const pendingMaterial = { version: 2, material: crypto.getRandomValues(new Uint8Array(32)) };
    await store.changeKey('a', () => newRecord('a', { pendingMaterial }));
    const reader = await openStore(folder.path);
    const first = await reader.readKey('a');
    await store.changeKey('a', (key) => {
      const { pendingMaterial: next, ...rest } = key as KeyRecord;
      return { ...rest, materials: [...rest.materials, next as MaterialVersion] };
    });
    expect((await reader.readKey('a'))?.materials[1]).to.equal(first?.pendingMaterial);
    await store.close();
    expect(pendingMaterial.material).to.deep.equal(new Uint8Array(32));
  });

  it('gives records that show no material when they are printed or written as JSON', async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const materials = [{ version: 1, material: secret.slice() }];
    const pendingMaterial = { version: 2, material: secret.slice() };
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a', { materials, pendingMaterial }));
    const records = [store, await openStore(folder.path)].map((each) => each.readKey('a'));
    for (const record of await Promise.all(records)) {
      expect(shows(shownOf(record), secret)).to.equal(false);
    }
  });

  it('reads no file while nothing changes', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    await store.changeAlias('alias/a', () => 'a');
    const fs = (await import('node:fs/promises')).default;
    const open = sinon.spy(fs, 'open');
    try {
      expect(store.readKey('a')).not.to.be.instanceOf(Promise);
      expect(await store.readAlias('alias/a')).to.equal('a');
      expect(open.callCount).to.equal(0);
    } finally {
      open.restore();
    }
  });

  it('writes nothing when a change leaves a key as it is, or throws', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    const before = await snapshot(folder.path);
    await store.changeKey('a', (key) => key);
    await store.changeAlias('alias/a', (id) => id);
    const error = await rejection(
      store.changeKey('a', () => {
        throw new Error('no');
      }),
    );
    expect(error.message).to.equal('no');
    expect(await snapshot(folder.path)).to.deep.equal(before);
  });

  it('makes changes of one process one after the other', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a', { description: '' }));
    const add = () =>
      store.changeKey('a', (key) => key && { ...key, description: `${key.description}x` });
    await Promise.all(Array.from({ length: 20 }, add));
    expect((await store.readKey('a'))?.description).to.equal('x'.repeat(20));
  });

  it('shows neither key material nor details in its files', async () => {
    const store = await openStore(folder.path);
    const material = Buffer.from('this is thirty-two bytes long!!!');
    const pending = Buffer.from('and this, which waits, is as long');
    const details = 'what a program keeps beside the key';
    await store.changeKey('a', () =>
      newRecord('a', {
        materials: [{ version: 1, material }],
        pendingMaterial: { version: 2, material: pending },
        details,
      }),
    );
    for (const [, content] of await snapshot(folder.path)) {
      for (const secret of [material, pending, details]) {
        expect(Buffer.from(content, 'base64').includes(secret)).to.equal(false);
      }
    }
  });

  it('refuses a record with a field that it does not know, and changes nothing (UNSUPPORTED)', async () => {
    const seal = JSON.stringify;
    const stringify = sinon
      .stub(JSON, 'stringify')
      .callsFake(((value: object) =>
        'keySpec' in value ? seal({ ...value, grants: [] }) : seal(value)) as never);
    try {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
    } finally {
      stringify.restore();
    }
    const before = await snapshot(folder.path);
    const store = await openStore(folder.path);
    for (const work of [
      (async () => store.readKey('a'))(),
      store.changeKey('a', (key) => key && { ...key, keyState: 'Disabled' }),
    ]) {
      const error = await rejection(work);
      expect(error).to.include({ code: 'UNSUPPORTED', keyId: 'a' });
      expect(error.message).to.include('grants').and.include('newer release');
    }
    expect(await snapshot(folder.path)).to.deep.equal(before);
  });

  it('wipes its material when it is closed, and refuses every later call (CLOSED)', async () => {
    const store = await openStore(folder.path);
    const pendingMaterial = { version: 2, material: new Uint8Array(32).fill(7) };
    const kept = newRecord('a', { pendingMaterial });
    const deleted = newRecord('b', {
      pendingMaterial: { version: 2, material: new Uint8Array(32).fill(8) },
    });
    await store.changeKey('a', () => kept);
    await store.changeKey('b', () => deleted);
    await store.changeKey('b', () => undefined);
    expect(
      deleted.materials[0]?.material.some((byte) => byte !== 0),
      'may be in use',
    ).to.equal(true);
    await store.close();
    await store.close();
    for (const { materials, pendingMaterial } of [kept, deleted]) {
      expect(materials[0]?.material).to.deep.equal(new Uint8Array(32));
      expect(pendingMaterial?.material).to.deep.equal(new Uint8Array(32));
    }
    expect(await rejection((async () => store.readKey('a'))())).to.include({ code: 'CLOSED' });
    expect(await rejection(store.changeKey('a', () => undefined))).to.include({ code: 'CLOSED' });
  });

  describe('is private', () => {
    it('makes files 0600 and folders 0700', async () => {
      const store = await openStore(path.join(folder.path, 'deeper/still'));
      await store.changeKey('a', () => newRecord('a'));
      const at = path.join(folder.path, 'deeper/still');
      const mode = async (file: string) => (await stat(file)).mode & 0o777;
      expect(await mode(folder.path)).to.equal(0o700);
      expect(await mode(at)).to.equal(0o700);
      expect(await mode(path.join(at, 'records'))).to.equal(0o700);
      expect(await mode(await manifestFile(at))).to.equal(0o600);
      expect(await mode(await recordFile(at))).to.equal(0o600);
    });

    for (const [what, pathOf, mode] of [
      ['folder', async (at: string) => at, 0o750],
      ['folder of records', async (at: string) => path.join(at, 'records'), 0o701],
      ['manifest', manifestFile, 0o644],
      ['record', recordFile, 0o640],
    ] as const) {
      it(`refuses a ${what} that others may get at (ACCESS_DENIED)`, async () => {
        const store = await openStore(folder.path);
        await store.changeKey('a', () => newRecord('a'));
        const file = await pathOf(folder.path);
        await chmod(file, mode);
        const before = await snapshot(folder.path);
        const error = await rejection((async () => (await openStore(folder.path)).readKey('a'))());
        expect(error).to.include({ code: 'ACCESS_DENIED' });
        expect(error.message).to.include(file).and.include('chmod go=');
        expect(await snapshot(folder.path)).to.deep.equal(before);
      });
    }

    it('refuses a record that belongs to another user (ACCESS_DENIED)', async function () {
      // Only root can give a file away.
      if (process.geteuid?.() !== 0) return this.skip();
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      await chown(await recordFile(folder.path), 12345, 12345);
      const error = await rejection((async () => (await openStore(folder.path)).readKey('a'))());
      expect(error).to.include({ code: 'ACCESS_DENIED' });
      expect(error.message).to.include('12345');
    });

    it('refuses to make a store in an empty folder that others may enter', async () => {
      await mkdir(folder.path, { mode: 0o755 });
      await chmod(folder.path, 0o755);
      expect(await rejection(openStore(folder.path))).to.include({ code: 'ACCESS_DENIED' });
      expect(await readdir(folder.path)).to.deep.equal([]);
    });
  });

  describe('when it is opened wrongly', () => {
    it('makes no store unless told to (INVALID_INPUT)', async () => {
      const error = await rejection(openStore(folder.path, { create: false }));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'folder' });
      expect(error.message).to.include(folder.path);
      expect(await snapshot(path.dirname(folder.path))).to.deep.equal(new Map());
    });

    it('makes no store where something else is (INVALID_INPUT)', async () => {
      await mkdir(folder.path, { mode: 0o700 });
      await writeFile(path.join(folder.path, 'thesis.doc'), 'text');
      const error = await rejection(openStore(folder.path));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'folder' });
      expect(error.message).to.include('thesis.doc');
      expect(await readdir(folder.path)).to.deep.equal(['thesis.doc']);
    });

    it('refuses a path that is a file (INVALID_INPUT)', async () => {
      await writeFile(folder.path, 'text', { mode: 0o600 });
      expect(await rejection(openStore(folder.path))).to.include({ code: 'INVALID_INPUT' });
    });

    it('refuses another passphrase (ACCESS_DENIED)', async () => {
      await openStore(folder.path);
      const before = await snapshot(folder.path);
      const error = await rejection(
        openStore(folder.path, { protectedBy: { passphrase: 'hunter2' } }),
      );
      expect(error).to.include({ code: 'ACCESS_DENIED' });
      expect(error.message).not.to.include('hunter2');
      expect(await snapshot(folder.path)).to.deep.equal(before);
    });

    it('refuses an empty passphrase and options that are wrong (INVALID_INPUT)', async () => {
      for (const options of [
        { protectedBy: { passphrase: '' } },
        { protectedBy: undefined },
        { folder: '' },
        { passphrase: 'misplaced' },
        { scrypt: { cost: 3, blockSize: 1, parallelization: 1 } },
      ]) {
        const error = await rejection(openStore(folder.path, options as object));
        expect(error, JSON.stringify(options)).to.include({ code: 'INVALID_INPUT' });
        expect(await snapshot(folder.path)).to.deep.equal(new Map());
      }
    });

    for (const [version, advice] of [
      [0, 'an older release'],
      [2, 'a newer release'],
    ] as const) {
      it(`names the way out of format version ${version} (UNSUPPORTED)`, async () => {
        await openStore(folder.path);
        const file = await manifestFile(folder.path);
        const bytes = await readFile(file);
        bytes[3] = version;
        await writeFile(file, bytes);
        const before = await snapshot(folder.path);
        const error = await rejection(openStore(folder.path));
        expect(error).to.include({ code: 'UNSUPPORTED' });
        expect(error.message).to.include(`version ${version}`).and.include(advice);
        expect(await snapshot(folder.path)).to.deep.equal(before);
      });
    }
  });

  describe('is protected', () => {
    it('by a passphrase that reads the same however its letters are composed', async () => {
      await openStore(folder.path, { protectedBy: { passphrase: 'caf\u00e9' } });
      await openStore(folder.path, { protectedBy: { passphrase: 'cafe\u0301' } });
    });

    it('by another passphrase after a change, while processes that have it open go on', async () => {
      const store = await openStore(folder.path);
      await store.changeKey('a', () => newRecord('a'));
      const other = await openStore(folder.path);
      await store.protect({ passphrase: 'the next one' }, { ...CHEAP, cost: 4 });
      await other.changeKey('b', () => newRecord('b'));
      expect(await rejection(openStore(folder.path))).to.include({ code: 'ACCESS_DENIED' });
      const again = await openStore(folder.path, { protectedBy: { passphrase: 'the next one' } });
      expect(await again.listKeys()).to.have.length(2);
    });

    it('by a key of another provider, which is asked once', async () => {
      const provider = new LocalKeyWrapProvider({ keys: ['alias/store', 'alias/other'] });
      const decrypt = sinon.spy(provider, 'decrypt');
      const protectedBy = { provider, keyId: 'alias/store' };
      const store = await openStore(folder.path, { protectedBy });
      await store.changeKey('a', () => newRecord('a'));
      const again = await openStore(folder.path, { protectedBy });
      expect(await again.readKey('a')).to.deep.equal(await store.readKey('a'));
      expect(decrypt.callCount).to.equal(1);
      const wrongKey = openStore(folder.path, { protectedBy: { provider, keyId: 'alias/other' } });
      expect(await rejection(wrongKey)).to.include({ code: 'INCORRECT_KEY' });
      await provider.disableKey({ keyId: 'alias/store' });
      const disabled = openStore(folder.path, { protectedBy });
      expect(await rejection(disabled)).to.include({ code: 'KEY_DISABLED' });
      expect(await store.listKeys(), 'what is open stays open').to.have.length(1);
    });

    it('and says so when it is opened by the other kind (INVALID_INPUT)', async () => {
      const provider = new LocalKeyWrapProvider({ keys: ['alias/store'] });
      const byProvider = { provider, keyId: 'alias/store' };
      await openStore(`${folder.path}/a`, { protectedBy: byProvider });
      const error = await rejection(openStore(`${folder.path}/a`));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'protectedBy' });
      expect(error.message).to.include('provider local with arn:aws:kms:');
      await openStore(`${folder.path}/b`);
      const other = openStore(`${folder.path}/b`, { protectedBy: byProvider });
      expect(await rejection(other)).to.include({ code: 'INVALID_INPUT', field: 'protectedBy' });
    });

    it('by a fresh key each: the same passphrase and key make other files', async () => {
      await openStore(`${folder.path}/a`);
      await openStore(`${folder.path}/b`);
      const [a, b] = [await snapshot(`${folder.path}/a`), await snapshot(`${folder.path}/b`)];
      expect([...a.values()]).not.to.deep.equal([...b.values()]);
    });
  });

  it('is made once when several make it at once', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(folder.path)));
    for (const [index, store] of stores.entries()) {
      await store.changeKey(`k${index}`, () => newRecord(`k${index}`));
    }
    for (const store of stores) expect(await store.listKeys()).to.have.length(5);
  });

  it('takes up where a process was killed that made the store', async () => {
    await mkdir(path.join(folder.path, 'records'), { recursive: true, mode: 0o700 });
    await writeFile(path.join(folder.path, 'manifest-000000000001-0123456789abcdef.new'), 'half');
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    expect((await readdir(folder.path)).sort()).to.deep.equal(['manifest-000000000002', 'records']);
  });
});
