import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openKeyWrapProvider } from '@keywrap/core';
import { LocalKeyWrapProvider, localScheme } from '@keywrap/provider-local';
import { FileKeyStore } from '@keywrap/provider-local/file-store';
import { expect } from 'chai';
import sinon from 'sinon';
import { openStore, PASSPHRASE, rejection, snapshot, useFolder } from './support.js';

const plaintext = new TextEncoder().encode('a data key');

describe('the local provider with a key store on disk', () => {
  const folder = useFolder();

  it('opens after a restart what it encrypted before, rotated or not', async () => {
    const before = new LocalKeyWrapProvider({
      store: await openStore(folder.path),
      keys: ['alias/orders', { keyId: 'alias/rsa', keySpec: 'RSA_2048' }],
    });
    const first = await before.encrypt({ keyId: 'alias/orders', plaintext });
    await before.rotateKey({ keyId: 'alias/orders' });
    const second = await before.encrypt({ keyId: 'alias/orders', plaintext });
    const rsa = { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' } as const;
    const third = await before.encrypt({ ...rsa, plaintext });
    await before.close();

    const after = new LocalKeyWrapProvider({ store: await openStore(folder.path) });
    for (const { ciphertext } of [first, second]) {
      expect((await after.decrypt({ ciphertext })).plaintext).to.deep.equal(plaintext);
    }
    const opened = await after.decryptAsymmetric({ ...rsa, ciphertext: third.ciphertext });
    expect(opened.plaintext).to.deep.equal(plaintext);
  });

  it('deletes a key when its waiting period is over, not before, and not when it was cancelled', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const options = { now: () => now };
    const one = new LocalKeyWrapProvider({ ...options, store: await openStore(folder.path) });
    const { keyId: doomed } = await one.createKey({ alias: 'alias/doomed' });
    const { keyId: saved } = await one.createKey({ alias: 'alias/saved' });
    const { ciphertext } = await one.encrypt({ keyId: saved, plaintext });
    for (const keyId of [doomed, saved]) {
      await one.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
    }
    now = new Date('2026-01-07T23:59:59Z');
    const other = new LocalKeyWrapProvider({ ...options, store: await openStore(folder.path) });
    expect(await other.describeKey({ keyId: doomed })).to.include({ keyState: 'PendingDeletion' });
    expect(await other.cancelKeyDeletion({ keyId: saved })).to.include({ keyState: 'Disabled' });
    now = new Date('2026-01-08T00:00:00Z');
    const third = new LocalKeyWrapProvider({ ...options, store: await openStore(folder.path) });
    expect(await rejection(third.describeKey({ keyId: doomed }))).to.include({
      code: 'KEY_NOT_FOUND',
    });
    expect(await third.listAliases()).to.have.length(1);
    expect(await readdir(path.join(folder.path, 'records'))).to.have.length(1);
    await third.enableKey({ keyId: saved });
    expect((await third.decrypt({ ciphertext })).plaintext).to.deep.equal(plaintext);
  });

  it('sees at once that another process disabled the key it uses (KEY_DISABLED)', async () => {
    const one = new LocalKeyWrapProvider({
      store: await openStore(folder.path),
      keys: ['alias/a'],
    });
    await one.encrypt({ keyId: 'alias/a', plaintext });
    const other = new LocalKeyWrapProvider({ store: await openStore(folder.path) });
    await other.disableKey({ keyId: 'alias/a' });
    expect(await rejection(one.encrypt({ keyId: 'alias/a', plaintext }))).to.include({
      code: 'KEY_DISABLED',
    });
  });

  it('closes a store that it opened itself, and leaves one that it was given open', async () => {
    const given = await openStore(folder.path);
    const one = new LocalKeyWrapProvider({ store: given, keys: ['alias/a'] });
    await one.listKeys();
    await one.close();
    expect(await given.listKeys()).to.have.length(1);

    const open = sinon.spy(() => openStore(folder.path));
    const other = new LocalKeyWrapProvider({ store: open });
    expect(open.callCount).to.equal(0);
    await Promise.all([other.listKeys(), other.listKeys()]);
    expect(open.callCount).to.equal(1);
    await other.close();
    const own = await (open.firstCall.returnValue as ReturnType<typeof openStore>);
    expect(await rejection(own.listKeys())).to.include({ code: 'CLOSED' });
  });

  it('tells what is wrong with the store, and tries again at the next call', async () => {
    const provider = new LocalKeyWrapProvider({
      store: () => openStore(folder.path, { create: false }),
    });
    const error = await rejection(provider.describeKey({ keyId: 'alias/a' }));
    expect(error).to.include({ code: 'INVALID_INPUT', operation: 'describeKey' });
    await openStore(folder.path);
    expect(await provider.listKeys()).to.deep.equal([]);
  });

  it('refuses what is no store (INVALID_INPUT)', async () => {
    expect(() => new LocalKeyWrapProvider({ store: {} as never })).to.throw(/options.store/);
    const provider = new LocalKeyWrapProvider({ store: (() => ({})) as never });
    expect(await rejection(provider.listKeys())).to.include({ code: 'INVALID_INPUT' });
  });

  describe('by URL', () => {
    const open = (parameters: string, at = folder.path) =>
      openKeyWrapProvider(`local://${at}${parameters}`, [localScheme]);
    afterEach(() => {
      sinon.restore();
      delete process.env.KEYWRAP_TEST_PASSPHRASE;
    });

    it('takes the passphrase from a file or a variable', async function () {
      this.timeout(20_000);
      await openStore(folder.path);
      const file = `${folder.path}.passphrase`;
      await writeFile(file, `${PASSPHRASE}\n`);
      const one = await open(`?passphraseFile=${encodeURIComponent(file)}&keys=alias/a`);
      const { ciphertext } = await one.encrypt({ keyId: 'alias/a', plaintext });
      await one.close();
      process.env.KEYWRAP_TEST_PASSPHRASE = PASSPHRASE;
      const other = await open('?passphraseEnv=KEYWRAP_TEST_PASSPHRASE');
      expect((await other.decrypt({ ciphertext })).plaintext).to.deep.equal(plaintext);
      await other.close();
    });

    it('opens the store at once, and closes it with the provider, used or not', async function () {
      this.timeout(20_000);
      const close = sinon.spy(FileKeyStore.prototype, 'close');
      process.env.KEYWRAP_TEST_PASSPHRASE = PASSPHRASE;
      const parameters = '?passphraseEnv=KEYWRAP_TEST_PASSPHRASE&create=true';
      const provider = await open(parameters);
      expect(close.callCount).to.equal(0);
      await provider.close();
      expect(close.callCount).to.equal(1);
      // A key of that kind can't be made in a store that is read-only: nothing stays open.
      sinon.stub(FileKeyStore.prototype, 'changeKey').rejects(new Error('read-only'));
      expect(await rejection(open(`${parameters}&keys=alias/a`))).to.include({
        code: 'UNAVAILABLE',
      });
      expect(close.callCount).to.equal(2);
    });

    it('makes a store with create=true, in a folder whose name is escaped in the URL', async function () {
      this.timeout(20_000);
      process.env.KEYWRAP_TEST_PASSPHRASE = PASSPHRASE;
      const parameters = '?passphraseEnv=KEYWRAP_TEST_PASSPHRASE&keys=alias/a';
      const missing = await rejection(open(parameters, `${folder.path}/a%20b`));
      expect(missing).to.include({ code: 'INVALID_INPUT', field: 'url' });
      await (await open(`${parameters}&create=true`, `${folder.path}/a%20b`)).close();
      expect((await snapshot(`${folder.path}/a b`)).size, 'manifest, record').to.equal(2);
    });

    for (const [url, text] of [
      ['local:///keys', 'exactly one source'],
      ['local:///keys?passphraseFile=/a&passphraseEnv=B', 'exactly one source'],
      ['local:///keys?passphraseEnv=KEYWRAP_TEST_MISSING', 'KEYWRAP_TEST_MISSING'],
      ['local:///keys?passphrase=secret', 'passphraseFile'],
      ['local://keys?passphraseEnv=A', 'three slashes'],
      ['local:keys?passphraseEnv=A', 'three slashes'],
      ['local:?passphraseEnv=A', 'no path'],
      ['local:?create=true', 'no path'],
      ['local:///keys?passphraseEnv=PATH&region=Frankfurt', 'region'],
      ['local:///keys?passphraseEnv=A&create=yes', 'create, which must be true or false'],
    ] as const) {
      it(`refuses ${url} (INVALID_INPUT)`, async () => {
        const error = await rejection(openKeyWrapProvider(url, [localScheme]));
        expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
        expect(error.message).to.include(text).and.not.include('secret');
      });
    }
  });
});
