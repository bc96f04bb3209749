import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import {
  type AliasRecord,
  type KeyRecord,
  type KeyVersion,
  newKey,
  newSymmetricVersion,
} from '@keywrap/provider-local/keys';
import { SqlKeyStore, type SqlKeyStoreOptions } from '@keywrap/provider-local/store';
import { PostgresServer } from '../../../packages/provider-local/dist-test/store/postgres-server.js';

export const SCOPE = { partition: 'aws', region: 'us-east-1', account: '111122223333' };

/** The kinds of database that a store can be in. */
export type DialectName = 'sqlite' | 'postgres';

/** The id of a key of a population, by its number from 0. */
export const idOf = (number: number) =>
  `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** A store that was filled at once, which takes seconds for 100,000 keys. */
export interface Population {
  readonly count: number;
  readonly options: SqlKeyStoreOptions;
}

const made = new Map<string, Promise<Population>>();
let folder: string | undefined;
let server: Promise<PostgresServer> | undefined;

/** Returns a store of this number of keys, each with an alias; created at the first call. */
export function population(dialect: DialectName, count: number): Promise<Population> {
  const name = `${dialect} ${count}`;
  const found = made.get(name) ?? makePopulation(dialect, count);
  made.set(name, found);
  return found;
}

/** Removes all populations. */
export async function removePopulations(): Promise<void> {
  made.clear();
  await (await server)?.stop();
  server = undefined;
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

async function makePopulation(dialect: DialectName, count: number): Promise<Population> {
  const keyMaterial = new Uint8Array(32).fill(7);
  const provider = new LocalKeyWrapProvider({ keys: [{ keyId: 'store-key', keyMaterial }] });
  const options = {
    location: await locationOf(dialect, count),
    protectedBy: { provider, keyId: 'store-key' },
  };
  // All have the same material, which makes no difference here.
  const version = await newSymmetricVersion(idOf(0));
  const contents = {
    keys: () => keys(count, version),
    aliases: () => aliases(count),
  };
  await (await SqlKeyStore.create(options, contents)).close();
  return { count, options };
}

async function locationOf(dialect: DialectName, count: number): Promise<string> {
  if (dialect === 'postgres') {
    server ??= PostgresServer.start(parentFolder());
    return (await server).newUrl();
  }
  folder ??= mkdtempSync(path.join(parentFolder(), 'keywrap-bench-'));
  return path.join(folder, `${count}.db`);
}

/**
 * In memory if there is room. The benchmark measures growth; a disk sync takes as long for a large store as for a
 * small one, and its time varies by more than the growth.
 */
function parentFolder(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize >= 2 ** 30 ? '/dev/shm' : tmpdir();
  } catch {
    return tmpdir();
  }
}

function* keys(count: number, version: KeyVersion): Generator<KeyRecord> {
  const creationDate = new Date();
  for (let number = 0; number < count; number++) {
    yield newKey({
      scope: SCOPE,
      id: idOf(number),
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      origin: 'AWS_KMS',
      description: '',
      creationDate,
      version,
      tags: [],
      policy: undefined,
    });
  }
}

function* aliases(count: number): Generator<AliasRecord> {
  const creationDate = new Date();
  for (let number = 0; number < count; number++) {
    const [alias, keyId] = [`alias/key-${number}`, idOf(number)];
    yield { scope: SCOPE, alias, keyId, creationDate, lastUpdatedDate: creationDate };
  }
}
