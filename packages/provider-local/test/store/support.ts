import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ArnScope } from '@keywrap/core';
import { formatAliasArn, formatKeyArn } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore, type SqlKeyStoreOptions } from '@keywrap/provider-local/store';
import { KeyMaterial } from '#dist/keys/material.js';
import type { AliasRecord, KeyRecord, KeyVersion } from '#dist/keys/record.js';
import type { KeyStore } from '#dist/keys/store.js';
import { loadSqlite, type SqliteHandle } from '#dist/store/dialects/sqlite-binding.js';

/** The least that is accepted, so that a test does not wait half a second for each passphrase. */
export const CHEAP = { cost: 2 ** 14, blockSize: 8, parallelization: 1 } as const;
export const PASSPHRASE = 'correct horse battery staple';

/** The protection of stores that one process opens: a provider, because scrypt is slow. */
export const PROTECTED = {
  provider: new LocalKeyWrapProvider({ keys: ['alias/stores'] }),
  keyId: 'alias/stores',
} as const;

export const SCOPE: ArnScope = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };
export const DATE = new Date('2026-01-02T03:04:05.678Z');

export const arnOf = (id: string, scope: ArnScope = SCOPE) => formatKeyArn(id, scope);
export const aliasArnOf = (name: string, scope: ArnScope = SCOPE) =>
  formatAliasArn(`alias/${name}`, scope);

/** A path for each test, in a folder that is removed after it; stores that the test leaves open are closed. */
export function useStoreFile(): {
  readonly path: string;
  readonly folder: string;
  open(options?: Partial<SqlKeyStoreOptions>): Promise<SqlKeyStore>;
  /** Creates a store with this number of keys: k0, k1, ... */
  create(keys: number): Promise<SqlKeyStore>;
  /** Restores a backup in the folder, under another name. */
  restore(options: Partial<SqlKeyStoreOptions>, backup: string): Promise<SqlKeyStore>;
} {
  let folder = '';
  const opened: SqlKeyStore[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'keywrap-store-'));
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close().catch(() => {});
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return folder;
    },
    get path() {
      return path.join(folder, 'keys.db');
    },
    async open(options = {}) {
      const store = await SqlKeyStore.open({
        location: path.join(folder, 'keys.db'),
        protectedBy: PROTECTED,
        create: true,
        ...options,
      });
      opened.push(store);
      return store;
    },
    async create(keys) {
      const location = path.join(folder, 'keys.db');
      const store = await SqlKeyStore.create(
        { location, protectedBy: PROTECTED },
        {
          keys: () => Array.from({ length: keys }, (_, i) => newKey(`k${i}`)),
          aliases: () => [],
        },
      );
      opened.push(store);
      return store;
    },
    async restore(options, backup) {
      const location = path.join(folder, 'restored.db');
      const store = await SqlKeyStore.restore(
        { location, protectedBy: PROTECTED, ...options },
        path.join(folder, backup),
      );
      opened.push(store);
      return store;
    },
  };
}

/** A version with random material. */
export function newVersion(keyId: string, fields: Partial<KeyVersion> = {}): KeyVersion {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return {
    version: 1,
    materialId: createHmac('sha256', bytes).update(keyId).digest('hex'),
    material: new KeyMaterial(bytes),
    publicKey: undefined,
    rotation: undefined,
    description: undefined,
    validTo: undefined,
    ...fields,
  };
}

export function newKey(id: string, fields: Partial<KeyRecord> = {}): KeyRecord {
  return {
    scope: SCOPE,
    id,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    keyState: 'Enabled',
    origin: 'AWS_KMS',
    description: '',
    creationDate: DATE,
    deletionDate: undefined,
    pendingWindowInDays: undefined,
    versions: [newVersion(id)],
    pendingVersion: undefined,
    automaticRotation: undefined,
    primaryRegion: undefined,
    tags: [],
    policy: undefined,
    ...fields,
  };
}

/** A key with every field that there is. */
export function fullKey(id: string): KeyRecord {
  return newKey(id, {
    keySpec: 'RSA_2048',
    keyState: 'PendingDeletion',
    origin: 'EXTERNAL',
    description: 'Заказы \u0000 \ud800',
    deletionDate: new Date(DATE.getTime() + 1),
    pendingWindowInDays: 7,
    versions: [
      newVersion(id, { publicKey: Uint8Array.of(1, 2, 3), validTo: DATE, description: 'first' }),
      newVersion(id, { version: 2, rotation: { date: DATE, type: 'ON_DEMAND' } }),
      newVersion(id, { version: 3, material: undefined }),
    ],
    pendingVersion: newVersion(id, { version: 4 }),
    automaticRotation: { periodInDays: 90, nextDate: DATE },
    primaryRegion: 'eu-west-1',
    tags: [{ key: '__proto__', value: 'b' }],
    policy: '{}',
  });
}

export function newAlias(name: string, keyId: string, scope: ArnScope = SCOPE): AliasRecord {
  return { scope, alias: `alias/${name}`, keyId, creationDate: DATE, lastUpdatedDate: DATE };
}

/** Adds or replaces a key. */
export async function putKey(store: KeyStore, record: KeyRecord): Promise<void> {
  const arn = formatKeyArn(record.id, record.scope);
  await store.change({ keys: [arn], aliases: [] }, (change) => change.putKey(record));
}

/** Adds or moves an alias. */
export async function putAlias(store: KeyStore, record: AliasRecord): Promise<void> {
  const arn = formatAliasArn(record.alias, record.scope);
  await store.change({ keys: [], aliases: [arn] }, (change) => change.putAlias(record));
}

export async function removeKey(store: KeyStore, arn: string): Promise<void> {
  await store.change({ keys: [arn], aliases: [] }, (change) => change.removeKey(arn));
}

/** A record with its material as text, to be compared; what can't be printed can't be compared either. */
export function readable(record: KeyRecord | undefined): unknown {
  const version = (of: KeyVersion) => ({
    ...of,
    material: of.material && Buffer.from(of.material.bytes).toString('hex'),
  });
  return (
    record && {
      ...record,
      versions: record.versions.map(version),
      pendingVersion: record.pendingVersion && version(record.pendingVersion),
    }
  );
}

/** The material of the first version. */
export function materialOf(record: KeyRecord | undefined): KeyMaterial {
  return record?.versions[0]?.material as KeyMaterial;
}

/** Returns the error that a promise rejects with. */
export async function rejection(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}

/** Opens a separate handle on the file of a store, for actions that a store never takes. */
export async function openRaw(file: string): Promise<SqliteHandle> {
  const { DatabaseSync } = await loadSqlite();
  return new DatabaseSync(pathToFileURL(file), { timeout: 5000 });
}

/** Runs SQL on the file of a store, as an attacker without the key. */
export async function tamper(file: string, ...sql: string[]): Promise<void> {
  const raw = await openRaw(file);
  for (const statement of sql) raw.exec(statement);
  raw.exec('pragma wal_checkpoint(truncate)');
  raw.close();
}
