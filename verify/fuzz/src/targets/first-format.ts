import { strict as assert } from 'node:assert';
import { createHash, hkdfSync } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { importFolder } from '@keywrap/provider-local/store';
import type { AesKey } from '../../../../packages/provider-local/dist/cipher/engines/index.js';
import { nodeEngine } from '../../../../packages/provider-local/dist/cipher/engines/node.js';
import { deriveFromPassphrase } from '../../../../packages/provider-local/dist/store/protection/passphrase.js';
import { jsonMutation } from '../json-mutation.js';
import { attempt, type FuzzTarget, utf8 } from '../target.js';

const FIXTURES = fileURLToPath(
  new URL('../../../../packages/provider-local/test/store/fixtures/first-format/', import.meta.url),
);
const SCOPE = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };
const CODES = [
  'UNAVAILABLE',
  'UNSUPPORTED',
  'INVALID_INPUT',
  'INVALID_CIPHERTEXT',
  // The wrapped key of the folder names its key, too.
  'INCORRECT_KEY',
] as const;
const KEY_ID = 'wraps-stores';
const NONCE_LENGTH = 24;

/**
 * A folder of an earlier release becomes a whole store, or nothing is made. The first byte of an input: even, a
 * file as it is; odd, a header on a separate line and a content, which are then sealed with the key of the
 * folder. The second: even, the one record; odd, the manifest.
 */
export const firstFormat: FuzzTarget = {
  name: 'first-format',
  words: (
    '{ } [ ] {} [] , : null true -1 0 1e999 "" "__proto__":{}, kws\x01 "keys": "aliases": "file":"../ ' +
    '"digest": "generation": "protection": "scrypt": "materials": "version": "publicKey": "details":true ' +
    '"kms":1 "rotation": "creationDate": PendingDeletion SYMMETRIC_DEFAULT'
  ).split(' '),
  mutation: jsonMutation,
  async open(parent) {
    const provider = new LocalKeyWrapProvider({
      keys: [{ keyId: KEY_ID, keyMaterial: new Uint8Array(32).fill(9) }],
    });
    const folder = path.join(parent, 'folder');
    await cp(path.join(FIXTURES, 'by-a-provider'), folder, { recursive: true });
    const sample = await openSample(folder, provider);
    let count = 0;
    return {
      seeds: [
        ...(await seedsOf(path.join(FIXTURES, 'by-a-provider'), sample.key)),
        ...(await seedsOf(path.join(FIXTURES, 'keywrap-kms'), await openKms())),
      ],
      async run(input) {
        const [kind = 0, which = 0] = input;
        const isManifest = (which & 1) === 1;
        const bytes = fileOf(sample.key, isManifest, (kind & 1) === 0, input.subarray(2));
        if (bytes === undefined) return;
        await sample.write(isManifest, bytes);
        const location = path.join(parent, `keys-${++count}.db`);
        const options = { folder, location, scope: SCOPE };
        const protectedBy = { provider, keyId: KEY_ID };
        const store = await attempt(() => importFolder({ ...options, protectedBy }), CODES);
        if (store === undefined) {
          assert.deepEqual(await readdir(parent), ['folder'], 'a rejected folder became a store');
          return;
        }
        const { damaged } = await store.verify();
        assert.deepEqual(damaged, []);
        await store.close();
        for (const suffix of ['', '-wal', '-shm']) await rm(location + suffix, { force: true });
      },
      close: () => provider.close(),
    };
  },
};

/** A folder with one record, whose files can be replaced. */
async function openSample(folder: string, provider: LocalKeyWrapProvider) {
  const name = (await readdir(folder)).find((entry) => entry.startsWith('manifest')) as string;
  const manifestPath = path.join(folder, name);
  const manifest = new Uint8Array(await readFile(manifestPath));
  const header = headerOf(manifest);
  using wrapping = await provider.decrypt({
    keyId: KEY_ID,
    ciphertext: Buffer.from(header.protection.wrapped, 'base64'),
    encryptionContext: { 'keywrap-store': header.storeId },
  });
  const key = filesKey(wrapping.plaintext, header.storeId);
  const content = JSON.parse(Buffer.from(open(key, manifest)).toString());
  const [[, entry]] = content.keys;
  const recordPath = path.join(folder, 'records', entry.file);
  const record = new Uint8Array(await readFile(recordPath));
  return {
    key,
    /** Writes one file, and a manifest that means it where that is the record. */
    async write(isManifest: boolean, bytes: Uint8Array) {
      await mkdir(path.dirname(recordPath), { recursive: true });
      await writeFile(recordPath, isManifest ? record : bytes);
      if (isManifest) return writeFile(manifestPath, bytes);
      entry.digest = createHash('sha256').update(bytes).digest('base64');
      return writeFile(manifestPath, seal(key, 'm', header, utf8(JSON.stringify(content))));
    },
  };
}

async function openKms(): Promise<AesKey> {
  const folder = path.join(FIXTURES, 'keywrap-kms');
  const name = (await readdir(folder)).find((entry) => entry.startsWith('manifest')) as string;
  const { storeId, protection } = headerOf(new Uint8Array(await readFile(path.join(folder, name))));
  const passphrase = utf8('correct horse battery staple');
  const salt = Buffer.from(protection.scrypt.salt, 'base64');
  const derived = await deriveFromPassphrase(passphrase, salt, protection.scrypt);
  const wrapped = Buffer.from(protection.wrapped, 'base64');
  const [nonce, sealed] = [wrapped.subarray(0, NONCE_LENGTH), wrapped.subarray(NONCE_LENGTH)];
  const context = utf8(`keywrap store v1 key ${storeId}`);
  const secret = nodeEngine.loadAesKey(derived).open(nonce, sealed, context);
  return filesKey(secret as Uint8Array, storeId);
}

function filesKey(secret: Uint8Array, storeId: string): AesKey {
  const derived = hkdfSync('sha256', secret, storeId, 'keywrap store v1 files', 32);
  return nodeEngine.loadAesKey(new Uint8Array(derived));
}

/** Returns the two inputs of each file of a folder. */
async function seedsOf(folder: string, key: AesKey): Promise<Uint8Array[]> {
  const seeds: Uint8Array[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = new Uint8Array(await readFile(path.join(entry.parentPath, entry.name)));
    const which = entry.name.startsWith('manifest') ? 1 : 0;
    const header = utf8(`${JSON.stringify(headerOf(bytes))}\n`);
    seeds.push(Uint8Array.of(0, which, ...bytes));
    seeds.push(Uint8Array.of(1, which, ...header, ...open(key, bytes)));
  }
  return seeds;
}

/** Returns the file that an input encodes; undefined if its header is not JSON. */
function fileOf(
  key: AesKey,
  isManifest: boolean,
  isRaw: boolean,
  input: Uint8Array,
): Uint8Array | undefined {
  if (isRaw) return input;
  const end = input.indexOf(0x0a);
  try {
    const header: object = JSON.parse(Buffer.from(input.subarray(0, end)).toString());
    return seal(key, isManifest ? 'm' : 'r', header, input.subarray(end + 1));
  } catch {
    return undefined;
  }
}

function seal(key: AesKey, kind: 'm' | 'r', header: object, content: Uint8Array): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  const start = Buffer.concat([Buffer.from(`kws\x01${kind}`), length, json]);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_LENGTH));
  return new Uint8Array(Buffer.concat([start, nonce, key.seal(nonce, content, start)]));
}

function open(key: AesKey, bytes: Uint8Array): Uint8Array {
  const at = 9 + Buffer.from(bytes).readUInt32BE(5);
  const [nonce, sealed] = [bytes.slice(at, at + NONCE_LENGTH), bytes.slice(at + NONCE_LENGTH)];
  return key.open(nonce, sealed, bytes.slice(0, at)) as Uint8Array;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of an earlier release.
function headerOf(bytes: Uint8Array): any {
  const file = Buffer.from(bytes);
  return JSON.parse(file.toString('utf8', 9, 9 + file.readUInt32BE(5)));
}
