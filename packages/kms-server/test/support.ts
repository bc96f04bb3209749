import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CreateKeyCommandInput, KMS, type KMSServiceException } from '@aws-sdk/client-kms';
import { type KmsServer, type KmsServerOptions, startKmsServer } from '@keywrap/kms-server';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';

export const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI',
};
export const REGION = 'eu-west-1';
export const ACCOUNT = '111122223333';

/** A clock that only moves when a test says so. */
export class Clock {
  #time = Date.parse('2030-01-01T00:00:00Z');

  readonly now = (): Date => new Date(this.#time);

  forward(days: number, seconds = 0): void {
    this.#time += (days * 86400 + seconds) * 1000;
  }
}

/** A listening server and a real client. */
export interface Subject extends AsyncDisposable {
  readonly server: KmsServer;
  readonly kms: KMS;
  clientFor(region: string): KMS;
}

export async function start(options: KmsServerOptions = {}): Promise<Subject> {
  const server = await startKmsServer({ port: 0, ...options });
  const clients: KMS[] = [];
  const clientFor = (region: string) => {
    const client = new KMS({
      region,
      endpoint: server.url,
      credentials: CREDENTIALS,
      maxAttempts: 1,
    });
    clients.push(client);
    return client;
  };
  return {
    server,
    kms: clientFor(REGION),
    clientFor,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await server.close();
    },
  };
}

export const PASSPHRASE = 'correct horse battery staple';

const PROTECTED = {
  provider: new LocalKeyWrapProvider({ keys: ['alias/stores'] }),
  keyId: 'alias/stores',
};

/** Opens a store, or makes one. It is protected by a key, because a passphrase takes a while to check. */
export function openStore(location: string): Promise<SqlKeyStore> {
  return SqlKeyStore.open({ location, protectedBy: PROTECTED, create: true });
}

/** Makes a store that another process opens, with the cheapest passphrase that is accepted. */
export async function makeStore(location: string): Promise<SqlKeyStore> {
  return SqlKeyStore.create({
    location,
    protectedBy: { passphrase: PASSPHRASE },
    scrypt: { cost: 2 ** 14, blockSize: 8, parallelization: 1 },
  });
}

/** The path of a store for each test, in a folder that is removed after it. */
export function useStorePath(): { readonly path: string } {
  let parent = '';
  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'keywrap-kms-'));
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));
  return {
    get path() {
      return path.join(parent, 'keys.db');
    },
  };
}

/** Every file below a folder, with its content. SQLite makes and removes `-wal` and `-shm` as it opens a file. */
export async function contentsOf(folder: string): Promise<unknown> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && !/-(wal|shm)$/.test(entry.name));
  const contents = files.map(async ({ parentPath, name }) => {
    const file = path.join(parentPath, name);
    return [file, await readFile(file, 'base64')];
  });
  return (await Promise.all(contents)).sort();
}

/** Describes the same of a server with its keys in memory and of one with its keys on disk. */
export function describeWithStores(
  title: string,
  tests: (startWithStore: typeof start) => void,
): void {
  describe(`${title}, with keys in memory`, () => tests(start));
  describe(`${title}, with keys on disk`, () => tests(startOnDisk));
}

async function startOnDisk(options: KmsServerOptions = {}): Promise<Subject> {
  const parent = await mkdtemp(path.join(tmpdir(), 'keywrap-kms-'));
  const subject = await start({ ...options, store: () => openStore(path.join(parent, 'keys.db')) });
  return {
    ...subject,
    async [Symbol.asyncDispose]() {
      await subject[Symbol.asyncDispose]();
      await rm(parent, { recursive: true });
    },
  };
}

/** The ARN of a new key. */
export async function newKey(kms: KMS, input: CreateKeyCommandInput = {}): Promise<string> {
  const { KeyMetadata } = await kms.createKey(input);
  return KeyMetadata?.Arn as string;
}

export function idOf(arn: string): string {
  return arn.slice(arn.indexOf('/') + 1);
}

/** Returns the error that KMS rejects a request with, as `Name: message`. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    const { name, message, $metadata } = error as KMSServiceException;
    if ($metadata?.httpStatusCode !== 400) throw error;
    return message === 'UnknownError' ? name : `${name}: ${message}`;
  }
  throw new Error('it was not rejected');
}

/** As {@link rejection}, of concurrent requests. */
export function rejections(promises: readonly Promise<unknown>[]): Promise<string[]> {
  return Promise.all(promises.map(rejection));
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function sha(bits: number | string, message: Uint8Array): Uint8Array {
  return createHash(`sha${bits}`).update(message).digest();
}

/** Sends a request unchanged, and returns the response unchanged. */
export async function post(
  url: string,
  target: string | undefined,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      ...(target === undefined ? {} : { 'X-Amz-Target': target }),
      ...headers,
    },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
