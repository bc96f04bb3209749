import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type KeyWrapProvider, withAuditLog, withTrustedKeys } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';

/** The keys that every subject has. */
export const RIGHT_KEY = 'alias/right';
export const WRONG_KEY = 'alias/wrong';
export const RSA_KEY = 'alias/rsa';

// Made once: it takes longer than all the rest.
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keyMaterial = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

const KEYS = [
  { keyId: RIGHT_KEY },
  { keyId: WRONG_KEY },
  { keyId: RSA_KEY, keySpec: 'RSA_2048', keyMaterial },
] as const;

/** Makes a guess at a passphrase quick. */
const CHEAP = { cost: 2 ** 14, blockSize: 8, parallelization: 1 };

/** A provider to attack, and what to do when that is over. */
export interface Subject extends AsyncDisposable {
  readonly provider: KeyWrapProvider;
}

/** Every provider of the project, and every decorator. */
export const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
  'provider-local, node engine': async () => of(new LocalKeyWrapProvider({ keys: KEYS })),
  'provider-local, forge engine': async () =>
    of(new LocalKeyWrapProvider({ keys: KEYS, engine: 'forge' })),
  'data-key cache': async () =>
    of(
      withDataKeyCache(new LocalKeyWrapProvider({ keys: KEYS }), {
        maximumUses: 1000,
        maximumBytes: 1000,
        maximumAge: 60_000,
      }),
    ),
  'trusted keys': async () =>
    of(await withTrustedKeys(new LocalKeyWrapProvider({ keys: KEYS }), [RIGHT_KEY, RSA_KEY])),
  'key store on disk with an audit log': openStore,
  'provider-kms and kms-server': openKms,
};

function of(provider: KeyWrapProvider): Subject {
  return { provider, [Symbol.asyncDispose]: () => provider.close() };
}

async function openStore(): Promise<Subject> {
  const parent = await mkdtemp(path.join(tmpdir(), 'keywrap-attacks-'));
  const store = await SqlKeyStore.open({
    location: path.join(parent, 'keys.db'),
    protectedBy: { passphrase: 'correct horse' },
    create: true,
    scrypt: CHEAP,
  });
  const log = await store.openAuditLog({ folder: path.join(parent, 'logs') });
  const provider = withAuditLog(new LocalKeyWrapProvider({ store, keys: KEYS }), log);
  return {
    provider,
    async [Symbol.asyncDispose]() {
      await provider.close();
      await store.close();
      await rm(parent, { recursive: true });
    },
  };
}

async function openKms(): Promise<Subject> {
  const server = await startServer();
  const provider = connectTo(server.url);
  return {
    provider,
    async [Symbol.asyncDispose]() {
      await provider.close();
      await server.close();
    },
  };
}

/** A server with the keys of every subject. */
export function startServer() {
  const keys = KEYS.map(({ keyId: alias, ...key }) => ({ alias, ...key }));
  return startKmsServer({ port: 0, keys });
}

export function connectTo(endpoint: string): KmsKeyWrapProvider {
  const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };
  return new KmsKeyWrapProvider({ region: 'us-east-1', endpoint, credentials, maxAttempts: 1 });
}
