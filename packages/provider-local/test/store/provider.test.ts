import { mkdir, stat, writeFile } from 'node:fs/promises';
import { openKeyWrapProvider, ProviderUnavailableError } from '@keywrap/core';
import { type KeyStore, LocalKeyWrapProvider, localScheme } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import sinon from 'sinon';
import { ALL, rejection } from '../support.js';
import { CHEAP, PASSPHRASE, useStoreFile } from './support.js';

const plaintext = new TextEncoder().encode('a data key');

describe('The local provider with an SQL key store', () => {
  const file = useStoreFile();

  it('decrypts after a restart what it encrypted before, rotated or not', async () => {
    const before = new LocalKeyWrapProvider({
      store: await file.open(),
      keys: ['alias/orders', { keyId: 'alias/rsa', keySpec: 'RSA_2048' }],
    });
    const first = await before.encrypt({ keyId: 'alias/orders', plaintext });
    await before.rotateKey({ keyId: 'alias/orders' });
    const second = await before.encrypt({ keyId: 'alias/orders', plaintext });
    const rsa = { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' } as const;
    const third = await before.encrypt({ ...rsa, plaintext });
    await before.close();

    const after = new LocalKeyWrapProvider({ store: await file.open() });
    for (const { ciphertext } of [first, second]) {
      expect((await after.decrypt({ ciphertext })).plaintext).to.deep.equal(plaintext);
    }
    const opened = await after.decryptAsymmetric({ ...rsa, ciphertext: third.ciphertext });
    expect(opened.plaintext).to.deep.equal(plaintext);
  });

  it('deletes a key when its waiting period is over, not before, and not when it was cancelled', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const options = { now: () => now };
    const one = new LocalKeyWrapProvider({ ...options, store: await file.open() });
    const { keyId: doomed } = await one.createKey({ alias: 'alias/doomed' });
    const { keyId: saved } = await one.createKey({ alias: 'alias/saved' });
    const { ciphertext } = await one.encrypt({ keyId: saved, plaintext });
    for (const keyId of [doomed, saved]) {
      await one.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
    }
    now = new Date('2026-01-07T23:59:59Z');
    const other = new LocalKeyWrapProvider({ ...options, store: await file.open() });
    expect(await other.describeKey({ keyId: doomed })).to.include({ keyState: 'PendingDeletion' });
    expect(await other.cancelKeyDeletion({ keyId: saved })).to.include({ keyState: 'Disabled' });
    now = new Date('2026-01-08T00:00:00Z');
    const third = new LocalKeyWrapProvider({ ...options, store: await file.open() });
    expect(await rejection(third.describeKey({ keyId: doomed }))).to.include({
      code: 'KEY_NOT_FOUND',
    });
    expect(await third.listAliases()).to.have.length(1);
    expect(await (await file.open()).listKeys(ALL)).to.have.length(1);
    await third.enableKey({ keyId: saved });
    expect((await third.decrypt({ ciphertext })).plaintext).to.deep.equal(plaintext);
  });

  it('sees at once that another process disabled the key it uses (KEY_DISABLED)', async () => {
    const one = new LocalKeyWrapProvider({
      store: await file.open(),
      keys: ['alias/a'],
    });
    await one.encrypt({ keyId: 'alias/a', plaintext });
    const other = new LocalKeyWrapProvider({ store: await file.open() });
    await other.disableKey({ keyId: 'alias/a' });
    expect(await rejection(one.encrypt({ keyId: 'alias/a', plaintext }))).to.include({
      code: 'KEY_DISABLED',
    });
  });

  it('closes a store that it opened itself, not one that was passed in', async () => {
    const given = await file.open();
    const one = new LocalKeyWrapProvider({ store: given, keys: ['alias/a'] });
    await one.listKeys();
    await one.close();
    expect(await given.listKeys(ALL)).to.have.length(1);

    const open = sinon.spy(() => file.open());
    const other = new LocalKeyWrapProvider({ store: open });
    expect(open.callCount).to.equal(0);
    await Promise.all([other.listKeys(), other.listKeys()]);
    expect(open.callCount).to.equal(1);
    await other.close();
    const own = await (open.firstCall.returnValue as Promise<KeyStore>);
    expect(await rejection(own.listKeys(ALL))).to.include({ code: 'CLOSED' });
  });

  it('reports a problem with the store, and tries again at the next call', async () => {
    const provider = new LocalKeyWrapProvider({
      store: () => file.open({ create: false }),
    });
    const error = await rejection(provider.describeKey({ keyId: 'alias/a' }));
    expect(error).to.include({ code: 'INVALID_INPUT', operation: 'describeKey' });
    await file.open();
    expect(await provider.listKeys()).to.deep.equal([]);
  });

  it('rejects anything that is not a store (INVALID_INPUT)', async () => {
    expect(() => new LocalKeyWrapProvider({ store: {} as never })).to.throw(/options.store/);
    const provider = new LocalKeyWrapProvider({ store: (() => ({})) as never });
    expect(await rejection(provider.listKeys())).to.include({ code: 'INVALID_INPUT' });
  });

  describe('by URL', () => {
    const open = (parameters: string, at = file.path) =>
      openKeyWrapProvider(`local://${at}${parameters}`, [localScheme]);
    afterEach(() => {
      sinon.restore();
      delete process.env.KEYWRAP_TEST_PASSPHRASE;
    });

    it('reads the passphrase from a file or a variable', async function () {
      this.timeout(300_000);
      await file.open({ protectedBy: { passphrase: PASSPHRASE }, scrypt: CHEAP });
      const secret = `${file.path}.passphrase`;
      await writeFile(secret, `${PASSPHRASE}\n`);
      const one = await open(`?passphraseFile=${encodeURIComponent(secret)}&keys=alias/a`);
      const { ciphertext } = await one.encrypt({ keyId: 'alias/a', plaintext });
      await one.close();
      process.env.KEYWRAP_TEST_PASSPHRASE = PASSPHRASE;
      const other = await open('?passphraseEnv=KEYWRAP_TEST_PASSPHRASE');
      expect((await other.decrypt({ ciphertext })).plaintext).to.deep.equal(plaintext);
      await other.close();
    });

    it('opens the store at once, and closes it with the provider, used or not', async function () {
      this.timeout(300_000);
      await file.open({ protectedBy: { passphrase: PASSPHRASE }, scrypt: CHEAP });
      const close = sinon.spy(SqlKeyStore.prototype, 'close');
      process.env.KEYWRAP_TEST_PASSPHRASE = PASSPHRASE;
      const parameters = '?passphraseEnv=KEYWRAP_TEST_PASSPHRASE&create=true';
      const provider = await open(parameters);
      expect(close.callCount).to.equal(0);
      await provider.close();
      expect(close.callCount).to.equal(1);
      // A key of that kind can't be made in a store that is read-only: nothing stays open.
      sinon
        .stub(SqlKeyStore.prototype, 'change')
        .rejects(new ProviderUnavailableError('read-only'));
      expect(await rejection(open(`${parameters}&keys=alias/a`))).to.include({
        code: 'UNAVAILABLE',
      });
      expect(close.callCount).to.equal(2);
    });

    it('creates a store with create=true, in a folder whose name is escaped in the URL', async function () {
      this.timeout(300_000);
      process.env.KEYWRAP_TEST_PASSPHRASE = PASSPHRASE;
      const parameters = '?passphraseEnv=KEYWRAP_TEST_PASSPHRASE&keys=alias/a';
      await mkdir(`${file.folder}/a b`);
      const missing = await rejection(open(parameters, `${file.folder}/a%20b/keys.db`));
      expect(missing).to.include({ code: 'INVALID_INPUT', field: 'url' });
      await (await open(`${parameters}&create=true`, `${file.folder}/a%20b/keys.db`)).close();
      expect((await stat(`${file.folder}/a b/keys.db`)).isFile()).to.equal(true);
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
      ['local:///nonexistent/keys.db?passphraseEnv=PATH', 'create=true'],
      ['local:///keys?passphraseEnv=A&create=yes', 'create, which must be true or false'],
    ] as const) {
      it(`rejects ${url} (INVALID_INPUT)`, async () => {
        const error = await rejection(openKeyWrapProvider(url, [localScheme]));
        expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
        expect(error.message).to.include(text).and.not.include('secret');
      });
    }
  });
});
