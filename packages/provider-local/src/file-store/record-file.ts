import { createHash } from 'node:crypto';
import { copyBytes, ownFields, wipe } from '@keywrap/core';
import type { AesKey } from '../engines/index.js';
import { hideBytes } from '../keys/hide-bytes.js';
import type { KeyRecord } from '../keys/key-record.js';
import { DamagedStoreError } from './errors.js';
import {
  isObject,
  lengthPrefixed,
  malformedFile,
  openFile,
  parseFile,
  sealFile,
  splitLengthPrefixed,
} from './sealed-file.js';

/** Where a record belongs. All of it is authenticated with the record. */
export interface RecordPlace {
  readonly storeId: string;
  /** The generation of the manifest that first names this record. */
  readonly generation: number;
}

/** What the manifest says of a record. */
export interface RecordEntry {
  /** The name of the file in the folder of the records. */
  readonly file: string;
  readonly generation: number;
  /** SHA-256 of the file, in base64. */
  readonly digest: string;
}

/** The header of a record: everything but the secrets. */
interface RecordHeader
  extends RecordPlace,
    Omit<KeyRecord, 'creationDate' | 'deletionDate' | 'materials'> {
  /** ISO 8601, as `Date` writes it in JSON. */
  readonly creationDate: string;
  readonly deletionDate?: string | undefined;
  readonly materials: readonly {
    readonly version: number;
    readonly publicKey?: string | undefined;
  }[];
}

/** Writes a record: what is known of the key in the header, its material encrypted. */
export function encodeRecord(key: AesKey, place: RecordPlace, record: KeyRecord): Uint8Array {
  const { materials, ...rest } = record;
  const header = {
    ...rest,
    ...place,
    materials: materials.map(ownFields).map(({ version, publicKey }) => ({
      version,
      ...(publicKey && { publicKey: Buffer.from(publicKey).toString('base64') }),
    })),
  };
  const secrets = lengthPrefixed(materials.map(({ material }) => material));
  try {
    return sealFile(key, 'record', header, secrets);
  } finally {
    wipe(secrets);
  }
}

/**
 * Reads a record, and checks that it is the one that the manifest means.
 *
 * @param id The key whose record it should be.
 * @throws {@link DamagedStoreError} naming the file, the key, and what happened to it.
 */
export function decodeRecord(
  key: AesKey,
  path: string,
  bytes: Uint8Array,
  storeId: string,
  id: string,
  entry: RecordEntry,
): KeyRecord {
  const damaged = (problem: string) => new DamagedStoreError(path, problem, { keyId: id });
  const file = parseFile({ path, keyId: id }, 'record', bytes);
  const secrets = openFile(key, file);
  try {
    if (!isHeader(file.header)) throw malformedFile(file);
    const { storeId: madeFor, generation, ...rest } = file.header;
    const header = ownFields(rest);
    if (madeFor !== storeId) throw damaged('is the record of another store');
    if (header.id !== id) throw damaged(`holds key ${header.id} instead`);
    if (generation < entry.generation) {
      throw damaged(
        `is an older record, put back: of generation ${generation} and not ${entry.generation}`,
      );
    }
    if (digestOf(bytes) !== entry.digest) {
      throw damaged('is a record that the store never came to use');
    }
    const parts = splitLengthPrefixed(file, secrets);
    if (parts.length !== header.materials.length) throw malformedFile(file);
    return {
      ...header,
      creationDate: new Date(header.creationDate),
      ...(header.deletionDate && { deletionDate: new Date(header.deletionDate) }),
      materials: header.materials.map(ownFields).map(({ version, publicKey }, index) => ({
        version,
        material: hideBytes(copyBytes(parts[index] as Uint8Array)),
        ...(publicKey && { publicKey: new Uint8Array(Buffer.from(publicKey, 'base64')) }),
      })),
    } as KeyRecord;
  } finally {
    wipe(secrets);
  }
}

/** Whether code can work with it: what it says is what the store wrote, for it authenticates. */
function isHeader(value: unknown): value is RecordHeader {
  if (!isObject(value)) return false;
  const header = ownFields(value);
  const { storeId, id, keySpec, keyUsage, keyState, origin, description } = header;
  const texts = [storeId, id, keySpec, keyUsage, keyState, origin, description];
  const { generation, creationDate, deletionDate, materials } = header;
  return (
    texts.every((text) => typeof text === 'string') &&
    typeof generation === 'number' &&
    isDate(creationDate) &&
    (deletionDate === undefined || isDate(deletionDate)) &&
    Array.isArray(materials) &&
    materials.every(isMaterial)
  );
}

function isMaterial(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { version, publicKey } = ownFields(value);
  const isCounted = Number.isInteger(version) && Number(version) >= 1;
  return isCounted && (publicKey === undefined || isBase64(publicKey));
}

/** Whether these are bytes, at least one, written as the store writes them. */
function isBase64(value: unknown): boolean {
  if (typeof value !== 'string' || value === '') return false;
  return Buffer.from(value, 'base64').toString('base64') === value;
}

function isDate(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

/** SHA-256, in base64. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
