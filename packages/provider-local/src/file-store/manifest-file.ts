import { ownFields } from '@keywrap/core';
import type { AesKey } from '../cipher/engines/index.js';
import { DamagedStoreError } from './errors.js';
import type { RecordEntry } from './record-file.js';
import { isRecordName } from './record-folder.js';
import {
  isObject,
  malformedFile,
  openFile,
  parseFile,
  parseJson,
  type SealedFile,
  sealFile,
} from './sealed-file.js';
import type { WrappedStoreKey } from './store-key.js';

/** What can be read of a manifest without the key of the store. */
export interface ManifestHeader {
  /** A random UUID; part of everything that the store authenticates. */
  readonly storeId: string;
  /** Counts the changes of the store, from 1. */
  readonly generation: number;
  readonly protection: WrappedStoreKey;
}

/** The state of a store: which records are its keys, and its aliases. Immutable. */
export interface Manifest extends ManifestHeader {
  /** By the id of the key, oldest first. */
  readonly keys: ReadonlyMap<string, RecordEntry>;
  /** The id of the key by alias. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** What of a manifest is encrypted. Lists of pairs, because objects don't keep the order of numeric ids. */
interface ManifestContent {
  readonly keys: readonly (readonly [id: string, entry: RecordEntry])[];
  readonly aliases: readonly (readonly [alias: string, id: string])[];
}

const encoder = new TextEncoder();

export function encodeManifest(key: AesKey, { keys, aliases, ...header }: Manifest): Uint8Array {
  const content: ManifestContent = { keys: [...keys], aliases: [...aliases] };
  return sealFile(key, 'manifest', header, encoder.encode(JSON.stringify(content)));
}

/**
 * Reads the header, which nothing has authenticated yet.
 *
 * @param generation What the name of the file says.
 * @throws {@link DamagedStoreError}, `UnsupportedOperationError`
 */
export function parseManifest(
  path: string,
  bytes: Uint8Array,
  generation: number,
): SealedFile & { readonly header: ManifestHeader } {
  const file = parseFile({ path }, 'manifest', bytes);
  const header = readManifestHeader(file);
  if (header.generation !== generation) {
    throw new DamagedStoreError(
      path,
      `is the manifest of generation ${header.generation}, put in the place of another`,
    );
  }
  return { ...file, header };
}

/** The header of a manifest or a backup, which nothing has authenticated yet. @throws {@link DamagedStoreError} */
export function readManifestHeader({ path, header }: SealedFile): ManifestHeader {
  if (isHeader(header)) return header;
  throw new DamagedStoreError(path, 'has a head that was changed');
}

/** @throws {@link DamagedStoreError} when it was changed, or holds something else. */
export function openManifest(
  key: AesKey,
  file: SealedFile & { readonly header: ManifestHeader },
): Manifest {
  const content = parseJson(file, openFile(key, file));
  if (!isContent(content)) throw malformedFile(file);
  const { keys, aliases } = content;
  return { ...file.header, keys: new Map(keys), aliases: new Map(aliases) };
}

/** Whether code can work with it; whether it is genuine, only the key of the store can tell. */
function isHeader(value: unknown): value is ManifestHeader {
  if (!isObject(value) || !isObject(value.protection)) return false;
  const { by, scrypt, provider, keyId, wrapped } = ownFields(value.protection);
  return (
    typeof value.storeId === 'string' &&
    typeof value.generation === 'number' &&
    typeof wrapped === 'string' &&
    (by === 'passphrase'
      ? isObject(scrypt) && typeof scrypt.salt === 'string'
      : by === 'provider' && typeof provider === 'string' && typeof keyId === 'string')
  );
}

function isContent(value: unknown): value is ManifestContent {
  return (
    isObject(value) &&
    isListOfPairs(value.keys, isEntry) &&
    isListOfPairs(value.aliases, (id) => typeof id === 'string')
  );
}

function isListOfPairs(value: unknown, isValue: (value: unknown) => boolean): boolean {
  return (
    Array.isArray(value) &&
    value.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && isValue(pair[1]))
  );
}

function isEntry(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { file, generation, digest } = value;
  return isRecordName(file) && typeof generation === 'number' && typeof digest === 'string';
}
