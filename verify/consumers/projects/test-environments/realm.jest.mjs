// Jest runs tests in a realm of its own: the errors and promises of Node.js are of another.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import { passphraseFrom } from '@keywrap/provider-local/store';

test('a missing file is an error of the input', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-jest-'));
  await expect(passphraseFrom({ file: path.join(folder, 'none') })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    field: 'passphraseFile',
  });
  await rm(folder, { recursive: true });
});

test('a store may answer with promises of another realm', async () => {
  const resolved = runInNewContext('(value) => Promise.resolve(value)');
  const store = new Proxy(new MemoryKeyStore(), {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function' || name.startsWith('peek')) return value?.bind(target);
      return (...args) => resolved(value.apply(target, args));
    },
  });
  const keys = new LocalKeyWrapProvider({ store: () => resolved(store), keys: ['alias/orders'] });
  const plaintext = new Uint8Array([1, 2, 3]);
  const { ciphertext, keyId } = await keys.encrypt({ keyId: 'alias/orders', plaintext });
  const opened = await keys.decrypt({ keyId, ciphertext });
  expect([...opened.plaintext]).toEqual([1, 2, 3]);
  await keys.close();
});
