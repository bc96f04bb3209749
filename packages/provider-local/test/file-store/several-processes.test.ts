import fs, { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { FileKeyStore } from '@keywrap/provider-local/file-store';
import { expect } from 'chai';
import sinon from 'sinon';
import { newRecord, openStore, useFolder } from './support.js';

// Two stores on one folder share nothing but the files, as two processes do. Whole processes, killed
// while they write, are in crash.test.ts.
describe('a key store that several processes use', () => {
  const folder = useFolder();
  afterEach(() => sinon.restore());

  const add = (store: FileKeyStore, letter: string) =>
    store.changeKey('a', (key) => key && { ...key, description: key.description + letter });

  it('shows each what the others have done, at once', async () => {
    const [one, other] = [await openStore(folder.path), await openStore(folder.path)];
    await one.changeKey('a', () => newRecord('a'));
    expect(await other.readKey('a')).to.deep.equal(await one.readKey('a'));
    await other.changeAlias('alias/a', () => 'a');
    expect(await one.readAlias('alias/a')).to.equal('a');
    await one.changeKey('a', () => undefined);
    expect(await other.readKey('a')).to.equal(undefined);
    expect(await other.listAliases()).to.deep.equal([]);
  });

  it('loses no change of either when both change the same key', async () => {
    const [one, other] = [await openStore(folder.path), await openStore(folder.path)];
    await one.changeKey('a', () => newRecord('a'));
    const changes = Array.from({ length: 40 }, (_, index) =>
      index % 2 === 0 ? add(one, 'x') : add(other, 'y'),
    );
    await Promise.all(changes);
    const description = (await one.readKey('a'))?.description ?? '';
    expect([...description].sort().join('')).to.equal('x'.repeat(20) + 'y'.repeat(20));
  });

  // A process may be stopped between any two steps, for as long as it takes the others to change the
  // store many times and to clean up.
  for (const [when, method, isThen] of [
    ['writes its record', 'open', (name: string) => name.includes('/records/')],
    ['writes its manifest', 'open', (name: string) => name.endsWith('.new')],
    ['has written its manifest', 'link', () => true],
  ] as const) {
    for (const changes of [1, 2, 5]) {
      it(`makes the change of a process that slept when it ${when}, while ${changes} others were made`, async () => {
        const [slow, fast] = [await openStore(folder.path), await openStore(folder.path)];
        await slow.changeKey('a', () => newRecord('a'));
        let slept = false;
        const original = fs[method] as (...args: unknown[]) => Promise<unknown>;
        sinon.stub(fs, method).callsFake((async (...args: unknown[]) => {
          if (!slept && isThen(String(args[0])) && (method === 'link' || args[1] === 'wx')) {
            slept = true;
            for (let n = 0; n < changes; n++) await add(fast, 'f');
          }
          return original(...args);
        }) as never);
        await add(slow, 's');
        sinon.restore();
        expect(slept).to.equal(true);
        for (const store of [slow, fast, await openStore(folder.path)]) {
          expect((await store.readKey('a'))?.description).to.equal(`${'f'.repeat(changes)}s`);
        }
        await add(slow, '!');
        expect(await readdir(path.join(folder.path, 'records'))).to.have.length(1);
        expect((await readdir(folder.path)).sort()).to.have.length(2);
      });
    }
  }

  it('reads a record that is replaced while it is read', async () => {
    const [reader, writer] = [await openStore(folder.path), await openStore(folder.path)];
    await writer.changeKey('a', () => newRecord('a'));
    let replaced = false;
    const open = fs.open;
    sinon.stub(fs, 'open').callsFake(async (...args) => {
      if (!replaced && String(args[0]).includes('/records/') && args[1] !== 'wx') {
        replaced = true;
        await add(writer, 'new');
      }
      return open(...args);
    });
    expect((await reader.readKey('a'))?.description).to.equal('new');
    expect(replaced).to.equal(true);
  });
});
