import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileKeyStore } from '@keywrap/provider-local/file-store';
import type { AesKey } from '../../../../packages/provider-local/dist/cipher/engines/index.js';
import { parseManifest } from '../../../../packages/provider-local/dist/file-store/manifest-file.js';
import {
  type FileKind,
  openFile,
  parseFile,
  sealFile,
} from '../../../../packages/provider-local/dist/file-store/sealed-file.js';
import { StoreKey } from '../../../../packages/provider-local/dist/file-store/store-key.js';

// Inputs for the readers of the key store. The first byte says what the others are: even, a file as it
// stands, and no change gets past its tag; odd, a header on a line of its own and a content, which are then sealed with the key of
// the store, so that what is behind the tag is reached too.

/** What the files of a store hold. */
export const STORE_WORDS: readonly string[] = (
  '{ } [ ] {} [] , : null true -1 0 1e999 "" "__proto__":{}, kws\x01 "keys": "aliases": "file":"../ ' +
  '"digest": "generation": "protection": "scrypt": "materials": "version": "publicKey": ' +
  '"creationDate": "deletionDate": "keySpec": PendingDeletion PendingImport SYMMETRIC_DEFAULT ' +
  'RSA_2048 HMAC_256'
).split(' ');

const FIXTURE = new URL('../../fixtures/store.kwsb', import.meta.url);

/** A store on the disk, and what is needed to write files for it. */
export interface SampleStore {
  readonly protectedBy: { readonly passphrase: string };
  readonly storeId: string;
  readonly key: StoreKey;
  readonly manifest: StoreFile;
  readonly records: readonly StoreFile[];
  readonly backup: Uint8Array;
}

/** A file of the store. */
export interface StoreFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The same store in every run, so that a finding can be given again. */
export async function makeStore(folder: string): Promise<SampleStore> {
  const protectedBy = { passphrase: 'correct horse battery staple' };
  const backup = new Uint8Array(await readFile(FIXTURE));
  const store = await FileKeyStore.restore({ folder, backup, protectedBy });
  await store.close();

  const filesIn = async (parent: string): Promise<StoreFile[]> => {
    const entries = await readdir(parent, { withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map(({ name }) => join(parent, name));
    const read = async (path: string) => ({ path, bytes: new Uint8Array(await readFile(path)) });
    return Promise.all(paths.sort().map(read));
  };
  const [manifest] = (await filesIn(folder)) as [StoreFile];
  const generation = Number(manifest.path.slice(-12));
  const { storeId, protection } = parseManifest('', manifest.bytes, generation).header;
  const key = await StoreKey.unwrap(storeId, protectedBy, protection);
  return {
    protectedBy,
    storeId,
    key,
    manifest,
    records: await filesIn(join(folder, 'records')),
    backup,
  };
}

/** The two inputs that a file gives: as it stands, and taken apart. */
export function inputsOf(key: AesKey, kind: FileKind, bytes: Uint8Array): Uint8Array[] {
  const file = parseFile({ path: kind }, kind, bytes);
  const apart = Buffer.concat([
    Buffer.from(`\x01${JSON.stringify(file.header)}\n`),
    openFile(key, file),
  ]);
  return [Uint8Array.of(0, ...bytes), new Uint8Array(apart)];
}

/** The file that an input stands for; `undefined` when it is none, because the header is no JSON. */
export function fileOf(key: AesKey, kind: FileKind, input: Uint8Array): Uint8Array | undefined {
  if (isRaw(input)) return input.slice(1);
  const rest = Buffer.from(input.subarray(1));
  const end = rest.indexOf('\n');
  try {
    const header: object = JSON.parse(rest.toString('utf8', 0, end));
    return sealFile(key, kind, header, new Uint8Array(rest.subarray(end + 1)));
  } catch {
    return undefined;
  }
}

/** Whether the input is a file as it stands. */
export function isRaw(input: Uint8Array): boolean {
  return ((input[0] ?? 0) & 1) === 0;
}

/** Whether bytes are the same. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
