import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { promises, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  AccessDeniedError,
  type ArnScope,
  copyBytes,
  InvalidInputError,
  ownFields,
  parseKeyId,
  UnsupportedOperationError,
  wipe,
} from '@keywrap/core';
import type { AesKey } from '../cipher/engines/index.js';
import { nodeEngine } from '../cipher/engines/node.js';
import { openWithNonce } from '../cipher/sealed.js';
import { KeyMaterial } from '../keys/material.js';
import type { KeyRecord, KeyVersion } from '../keys/record.js';
import type { StoreContents } from './create-store.js';
import { DamagedStoreError, errorCode, explainFileError } from './errors.js';
import { releaseMaterials } from './materials.js';
import type { SqlKeyStoreOptions } from './parse-store-options.js';
import { deriveFromPassphrase, passphraseBytes } from './protection/passphrase.js';
import { readProtection, type StoreProtection } from './protection/protection.js';
import { SqlKeyStore } from './sql-key-store.js';

// The first format was a folder: manifest-<generation>, of which the newest is valid, and records/ with one
// file per key. A file holds "kws", the version 1, its kind, the length of its header, the header in JSON, a
// nonce, and the content sealed by XAES-256-GCM with everything before the nonce as associated data.

// biome-ignore lint/suspicious/noExplicitAny: JSON of the first release, used when it is authenticated.
type Json = any;

const MANIFEST = /^manifest-(\d{12})$/;
const DATES = /^(creationDate|deletionDate|date|validTo|nextDate|created|updated)$/;
const CHANGED = 'was changed or cut short: it does not authenticate';

/** The folder to import, and the new store. The store gets the folder's protection. */
export interface ImportFolderOptions extends Omit<SqlKeyStoreOptions, 'create'> {
  /** The folder; it is not changed. */
  readonly folder: string;
  /** The scope of keys that provider-local stored without an ARN. `keywrap-kms` stored whole ARNs. */
  readonly scope: ArnScope;
  /** Receives the number of keys imported so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Imports a folder of the first format into a new store: all keys and their aliases, or nothing if
 * anything in the folder is damaged or the process is killed.
 *
 * @throws {@link InvalidInputError} if the folder does not exist, or the store already exists;
 * {@link AccessDeniedError} for a wrong passphrase; {@link DamagedStoreError};
 * {@link UnsupportedOperationError} for keys of another program; errors of the provider.
 */
export async function importFolder(options: ImportFolderOptions): Promise<SqlKeyStore> {
  const { folder, scope, onProgress, ...store } = ownFields(options);
  const { key, manifest } = await openManifest(folder, store.protectedBy);
  /** Of each key that was read, the dates of its aliases; a crash could leave aliases of others. */
  const dates = new Map<string, Json>();
  const contents: StoreContents = {
    *keys() {
      for (const [index, [name, entry]] of manifest.keys.entries()) {
        const file = path.join(folder, 'records', String(entry?.file));
        const [record, aliasDates] = checked(file, () => readRecord(file, key, name, entry, scope));
        const created = record.creationDate;
        dates.set(name, { created, updated: created, ...aliasDates });
        yield record;
        releaseMaterials(record, undefined);
        onProgress?.(index + 1, manifest.keys.length);
      }
    },
    *aliases() {
      for (const [name, target] of manifest.aliases) {
        if (!dates.has(target)) continue;
        const { alias } = parseKeyId(name) as { alias: string };
        const { created, updated } = dates.get(target)[alias] ?? dates.get(target);
        const { scope: here, id: keyId } = placeOf(target, scope);
        yield { scope: here, alias, keyId, creationDate: created, lastUpdatedDate: updated };
      }
    },
  };
  try {
    return await SqlKeyStore.create(store, contents);
  } finally {
    key.destroy();
  }
}

function readRecord(file: string, key: AesKey, name: string, entry: Json, scope: ArnScope) {
  const sealed = readSealed(file, 'r');
  const content = sealed.open(key);
  if (createHash('sha256').update(sealed.bytes).digest('base64') !== entry.digest) {
    throw new DamagedStoreError(file, `is not the newest record of key ${name}`);
  }
  const parts = lengthPrefixed(content);
  const known: Json[] = [sealed.header.materials, sealed.header.pendingMaterial ?? []].flat();
  const materials = known.map((material, at) => ({ ...material, secret: parts[at] }));
  const details = readDetails(name, parts[known.length]);
  const record = toRecord({ ...sealed.header, ...placeOf(name, scope) }, materials, details);
  wipe(content);
  if (!isDate(record.creationDate)) throw new DamagedStoreError(file, 'has no creation date');
  return [record, details.aliasDates] as const;
}

function isDate(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}

function toRecord(header: Json, materials: Json[], details: Json): KeyRecord {
  const versions: KeyVersion[] = (details.materials ?? materials).map((of: Json) => {
    const { secret, publicKey } = materials.find(({ version }) => version === of.version) ?? {};
    const hmac = createHmac('sha256', secret ?? '').update(header.id);
    return {
      version: of.version,
      materialId: of.id ?? hmac.digest('hex'),
      material: secret && new KeyMaterial(copyBytes(secret)),
      publicKey: publicKey && new Uint8Array(Buffer.from(publicKey, 'base64')),
      rotation: of.rotation,
      description: of.description,
      validTo: of.validTo,
    };
  });
  versions.sort((a, b) => a.version - b.version);
  const isPending = ({ version }: KeyVersion) => version === header.pendingMaterial?.version;
  const used = versions.filter((version) => !isPending(version));
  // keywrap-store cancelled deletions without checking for missing material.
  const isWaiting = header.keyState !== 'PendingDeletion' && used.some((of) => !of.material);
  return {
    ...header,
    keyState: isWaiting ? 'PendingImport' : header.keyState,
    deletionDate: header.deletionDate,
    pendingWindowInDays: undefined,
    versions: used,
    pendingVersion: versions.find(isPending),
    automaticRotation: details.automaticRotation,
    primaryRegion: details.multiRegion ? header.scope.region : undefined,
    tags: (details.tags ?? []).map((tag: Json) => ({ key: tag.TagKey, value: tag.TagValue })),
    policy: details.policy,
  };
}

function placeOf(name: string, defaultScope: ArnScope) {
  const { id, partition, region, account } = { ...defaultScope, ...(parseKeyId(name) as Json) };
  return { scope: { partition, region, account }, id };
}

/** The fields that `keywrap-kms`, which names keys by ARN, stored in addition to provider-local's. */
function readDetails(name: string, text: Uint8Array | undefined): Json {
  const details = text === undefined ? { kms: 0 } : Object(parse(text));
  if (details.kms === (name.startsWith('arn:') ? 1 : 0)) return details;
  throw new UnsupportedOperationError(`another program made the key ${name}: keep it there`);
}

async function openManifest(folder: string, protectedBy: StoreProtection) {
  const names = await promises.readdir(folder).catch((): string[] => []);
  const name = names.sort().findLast((entry) => MANIFEST.test(entry));
  if (name === undefined) {
    throw new InvalidInputError('folder', `${folder} holds no key store of files; check the path`);
  }
  const at = path.join(folder, name);
  const file = checked(at, () => readSealed(at, 'm'));
  const { storeId, generation } = file.header;
  if (typeof storeId !== 'string' || generation !== Number(MANIFEST.exec(name)?.[1])) {
    throw new DamagedStoreError(file.path, CHANGED);
  }
  const secret = await unwrap(file, protectedBy);
  const derived = new Uint8Array(hkdfSync('sha256', secret, storeId, 'keywrap store v1 files', 32));
  const key = nodeEngine.loadAesKey(derived);
  for (const bytes of [secret, derived]) wipe(bytes);
  const manifest = checked(at, () => parse(file.open(key)));
  const isPairs = (list: Json) => Array.isArray(list) && list.every(Array.isArray);
  if (isPairs(manifest?.keys) && isPairs(manifest.aliases)) return { key, manifest };
  throw new DamagedStoreError(file.path, CHANGED);
}

function readSealed(file: string, kind: 'm' | 'r') {
  const bytes = readFileSync(file);
  const isWhole = bytes.toString('latin1', 0, 5) === `kws\u0001${kind}` && bytes.length > 9;
  if (!isWhole) throw new DamagedStoreError(file, CHANGED);
  const nonceAt = 9 + bytes.readUInt32BE(5);
  const open = (key: AesKey): Uint8Array => {
    const content = openWithNonce(key, bytes.subarray(nonceAt), bytes.subarray(0, nonceAt));
    if (content === undefined) throw new DamagedStoreError(file, CHANGED);
    return content;
  };
  return { path: file, bytes, header: Object(parse(bytes.subarray(9, nonceAt))), open };
}

function parse(json: Uint8Array): Json {
  const revive = (name: string, value: Json) => (DATES.test(name) ? new Date(value) : value);
  return JSON.parse(Buffer.from(json).toString(), revive);
}

/** Opens the key of the store as its header describes, which is not authenticated. */
async function unwrap(file: { path: string; header: Json }, protectedBy: StoreProtection) {
  const { by, scrypt, wrapped } = Object(file.header.protection);
  const ciphertext = Buffer.from(String(wrapped), 'base64');
  const { passphrase, provider, keyId } = readProtection(protectedBy);
  if ((by === 'provider') !== (provider !== undefined)) {
    throw new InvalidInputError('protectedBy', `is not what protects ${file.path}: a ${by}`);
  }
  if (provider !== undefined) {
    const encryptionContext = { 'keywrap-store': file.header.storeId };
    using result = await provider.decrypt({ keyId, ciphertext, encryptionContext });
    return copyBytes(result.plaintext);
  }
  const { cost, blockSize, parallelization, salt } = Object(scrypt);
  const isBounded = 128 * cost * blockSize * parallelization <= 2 ** 30;
  const context = Buffer.from(`keywrap store v1 key ${file.header.storeId}`);
  for (const candidate of passphrasesOf(passphrase as string | Uint8Array)) {
    const saltBytes = Buffer.from(String(salt), 'base64');
    const deriving = isBounded && deriveFromPassphrase(candidate, saltBytes, scrypt);
    const derived = await Promise.resolve(deriving).catch(() => false as const);
    if (derived === false) throw new DamagedStoreError(file.path, CHANGED);
    const key = nodeEngine.loadAesKey(derived);
    const secret = openWithNonce(key, ciphertext, context);
    key.destroy();
    for (const bytes of [derived, candidate]) wipe(bytes);
    if (secret !== undefined) return secret;
  }
  throw new AccessDeniedError(`the passphrase does not open ${file.path}; check it`);
}

/** Decodes as the first release did: bytes that are not UTF-8 become U+FFFD. */
function* passphrasesOf(passphrase: string | Uint8Array): Generator<Uint8Array> {
  yield passphraseBytes(passphrase);
  if (typeof passphrase === 'string') return;
  yield Buffer.from(Buffer.from(passphrase).toString().normalize('NFC'));
}

/** Reads a file. Authentic content that no release writes counts as damage. */
function checked<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw new DamagedStoreError(file, 'is missing');
    // By name: in a test runner, errors of the platform are of another realm.
    if (['SyntaxError', 'TypeError', 'RangeError'].includes((error as Error).name))
      throw new DamagedStoreError(file, CHANGED);
    throw explainFileError(error, `read ${file}`);
  }
}

/** Splits length-prefixed parts. They share the memory of the whole. */
function lengthPrefixed(whole: Uint8Array): Uint8Array[] {
  const view = new DataView(whole.buffer, whole.byteOffset, whole.length);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += 4 + view.getUint32(at)) {
    parts.push(whole.subarray(at + 4, at + 4 + view.getUint32(at)));
  }
  return parts;
}
