import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type KeyWrapProvider, withAuditLog } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { startKmsServer } from '@keywrap/kms-server';
import {
  type LocalKeyWrapOptions,
  LocalKeyWrapProvider,
  MemoryKeyStore,
} from '@keywrap/provider-local';
import type { KeyMaterial } from '@keywrap/provider-local/keys';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { connectTo } from '../pollution/subjects.js';
import type { Needles } from './needles.js';
import { waitToBeSearched } from './wait-to-be-searched.js';

// Calls every method of a provider, disposes of every result and closes it. The provider is an argument, because
// each is searched by itself.

const KEY = 'alias/orders';
const RSA = { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' } as const;
const RSA_OPTION = { keyId: RSA.keyId, keySpec: 'RSA_2048' } as const;
/** Where in PKCS#8 there are bytes that no other key has, and that are secret: in d. */
const SECRET_PART = { RSA_2048: 320, ECC_NIST_P256: 36 } as const;

const EVERY_KEY = { scope: undefined, after: undefined, limit: 100 } as const;

const [wanted = ''] = process.argv.slice(2);

const SUBJECTS: Readonly<Record<string, (needles: Needles) => Promise<void>>> = {
  async node(needles) {
    await useLocal(needles, { engine: 'node' });
    await useCache(needles);
  },
  forge: (needles) => useLocal(needles, { engine: 'forge' }),
  store: useStore,
  server: useServer,
};

await waitToBeSearched(SUBJECTS[wanted] as (needles: Needles) => Promise<void>);

/** Makes a new secret in separate memory, and notes it; the caller wipes it. */
function secretOf(needles: Needles, label: string, length: number): Uint8Array {
  const secret = Buffer.from(new ArrayBuffer(length));
  crypto.getRandomValues(secret);
  needles.add(label, secret);
  return secret;
}

/** Encrypts, decrypts and generates, and disposes of all results. */
async function use(needles: Needles, keys: KeyWrapProvider): Promise<void> {
  for (const length of [32, 1000]) {
    const plaintext = secretOf(needles, `plaintext of ${length}`, length);
    const { ciphertext } = await keys.encrypt({ keyId: KEY, plaintext });
    plaintext.fill(0);
    {
      using _ = await keys.decrypt({ ciphertext });
    }
    await keys.reEncrypt({ ciphertext, source: {}, destination: { keyId: KEY } });
    using dataKey = await keys.generateDataKey({ keyId: KEY, numberOfBytes: length });
    needles.add(`data key of ${length}`, dataKey.plaintext);
  }
  for (const keyPairSpec of ['RSA_2048', 'ECC_NIST_P256'] as const) {
    using pair = await keys.generateDataKeyPair({ keyId: KEY, keyPairSpec });
    needles.add(`${keyPairSpec} pair`, pair.privateKey, SECRET_PART[keyPairSpec]);
    using opened = await keys.decrypt({ ciphertext: pair.privateKeyCiphertext });
    opened.plaintext.at(0);
  }
  const plaintext = secretOf(needles, 'plaintext under RSA', 64);
  const { ciphertext } = await keys.encrypt({ ...RSA, plaintext });
  plaintext.fill(0);
  using opened = await keys.decryptAsymmetric({ ...RSA, ciphertext });
  opened.plaintext.at(0);
}

async function useLocal(needles: Needles, options: LocalKeyWrapOptions): Promise<void> {
  const material = secretOf(needles, 'imported key', 32);
  const passed = secretOf(needles, 'key of the options', 32);
  const store = new MemoryKeyStore();
  const keys = new LocalKeyWrapProvider({
    ...options,
    store,
    keys: [KEY, { keyId: 'alias/passed', keyMaterial: passed }, RSA_OPTION],
  });
  passed.fill(0);
  await use(needles, keys);
  const { keyId } = await keys.createKey({ origin: 'EXTERNAL' });
  await keys.importKeyMaterial({ keyId, keyMaterial: material });
  material.fill(0);
  const plaintext = secretOf(needles, 'plaintext under the imported key', 20);
  await keys.encrypt({ keyId, plaintext });
  plaintext.fill(0);
  await keys.rotateKey({ keyId: KEY });
  for (const { id, versions, keySpec } of await store.listKeys(EVERY_KEY)) {
    for (const { material, version } of versions) {
      const at = keySpec === 'RSA_2048' ? SECRET_PART.RSA_2048 : 0;
      needles.add(`material ${version} of ${keySpec} ${id}`, (material as KeyMaterial).bytes, at);
    }
  }
  await keys.close();
  await store.close();
}

async function useCache(needles: Needles): Promise<void> {
  let now = 0;
  const cached = withDataKeyCache(
    new LocalKeyWrapProvider({ keys: [KEY, RSA_OPTION], engine: 'node' }),
    { maximumUses: 2, maximumBytes: 100, maximumAge: 1000 },
    { now: () => now },
  );
  await use(needles, cached);
  const ask = async (label: string) => {
    using dataKey = await cached.generateDataKey(
      { keyId: KEY, keySpec: 'AES_256' },
      { bytesToEncrypt: 10 },
    );
    needles.add(label, dataKey.plaintext);
    using opened = await cached.decrypt({ ciphertext: dataKey.ciphertext });
    opened.plaintext.at(0);
  };
  await ask('cached key');
  await ask('cached key, used up');
  await ask('cached key, too old');
  now += 2000;
  await ask('cached key at the end');
  await cached.close();
}

async function useStore(needles: Needles): Promise<void> {
  const parent = await mkdtemp(path.join(tmpdir(), 'keywrap-attacks-'));
  const scrypt = { cost: 2 ** 14, blockSize: 8, parallelization: 1 };
  const passphrase = secretOf(needles, 'passphrase', 24);
  const options = { protectedBy: { passphrase }, scrypt };
  const location = path.join(parent, 'keys.db');
  const logs = path.join(parent, 'logs');
  const store = await SqlKeyStore.open({ ...options, location, create: true });
  const keys = withAuditLog(
    new LocalKeyWrapProvider({ store, keys: [KEY, RSA_OPTION], engine: 'node' }),
    await store.openAuditLog({ folder: logs }),
  );
  await use(needles, keys);
  await keys.rotateKey({ keyId: KEY });
  for (const { versions, keySpec } of await store.listKeys(EVERY_KEY)) {
    for (const { material, version } of versions) {
      const at = keySpec === 'RSA_2048' ? SECRET_PART.RSA_2048 : 0;
      if (material) needles.add(`material ${version} of ${keySpec}`, material.bytes, at);
    }
  }
  await store.verify();
  const backup = path.join(parent, 'backup.db');
  await store.backup(backup);
  await store.verifyAuditLogs(logs);
  await keys.close();
  await store.close();
  const again = await SqlKeyStore.open({ ...options, location });
  await again.listKeys(EVERY_KEY);
  await again.close();
  const restored = { ...options, location: path.join(parent, 'restored.db') };
  await (await SqlKeyStore.restore(restored, backup)).close();
  passphrase.fill(0);
  await rm(parent, { recursive: true });
}

/** The server and its client in one process. */
async function useServer(needles: Needles): Promise<void> {
  const keyMaterial = secretOf(needles, 'key of the seed', 32);
  const text = Buffer.from(keyMaterial.buffer).toString('base64');
  keyMaterial.fill(0);
  const server = await startKmsServer({
    port: 0,
    keys: [
      { alias: KEY, keyMaterial: text },
      { alias: RSA.keyId, keySpec: 'RSA_2048' },
    ],
  });
  const keys = connectTo(server.url);
  await use(needles, keys);
  await keys.close();
  await server.close();
}
