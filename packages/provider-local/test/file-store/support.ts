import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileKeyStore, type FileKeyStoreOptions } from '@keywrap/provider-local/file-store';
import type { KeyRecord } from '@keywrap/provider-local/old-keys';

/** So that a test does not wait half a second for each passphrase. */
export const CHEAP = { cost: 2, blockSize: 1, parallelization: 1 } as const;
export const PASSPHRASE = 'correct horse battery staple';

/** A folder for each test, in a parent that is removed after it. */
export function useFolder(): { readonly path: string } {
  let parent = '';
  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'keywrap-store-'));
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));
  return {
    get path() {
      return path.join(parent, 'keys');
    },
  };
}

export function openStore(
  folder: string,
  options: Partial<FileKeyStoreOptions> = {},
): Promise<FileKeyStore> {
  return FileKeyStore.open({
    folder,
    protectedBy: { passphrase: PASSPHRASE },
    create: true,
    scrypt: CHEAP,
    ...options,
  });
}

/** A key as LocalKeys makes it. */
export function newRecord(id: string, fields: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    keyState: 'Enabled',
    origin: 'AWS_KMS',
    description: '',
    creationDate: new Date('2026-01-02T03:04:05.678Z'),
    materials: [{ version: 1, material: crypto.getRandomValues(new Uint8Array(32)) }],
    ...fields,
  };
}

/** Every file below a folder, by its path from there, with its content. */
export async function snapshot(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const contents = files.map(async (entry) => {
    const file = path.join(entry.parentPath, entry.name);
    return [path.relative(folder, file), await readFile(file, 'base64')] as const;
  });
  return new Map((await Promise.all(contents)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The path of the record of the key that was changed last, or of the only one. */
export async function recordFile(folder: string): Promise<string> {
  const names = (await readdir(path.join(folder, 'records'))).sort();
  return path.join(folder, 'records', names.at(-1) as string);
}

export async function manifestFile(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('manifest-')).sort();
  return path.join(folder, names.at(-1) as string);
}

/** What a promise rejects with. */
export async function rejection(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}
