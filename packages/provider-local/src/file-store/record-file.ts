import { createHash } from 'node:crypto';
import { copyBytes, ownFields, UnsupportedOperationError, wipe } from '@keywrap/core';
import type { AesKey } from '../cipher/engines/index.js';
import { hideBytes } from '../old/hide-bytes.js';
import { allMaterials, type KeyRecord, type MaterialVersion } from '../old/key-record.js';
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

/** What can be read of material without the key of the store. */
interface MaterialHeader {
  readonly version: number;
  readonly publicKey?: string | undefined;
}

/** The header of a record: everything but the secrets. */
interface RecordHeader
  extends RecordPlace,
    Omit<KeyRecord, 'creationDate' | 'deletionDate' | 'materials' | 'pendingMaterial' | 'details'> {
  /** ISO 8601, as `Date` writes it in JSON. */
  readonly creationDate: string;
  readonly deletionDate?: string | undefined;
  readonly materials: readonly MaterialHeader[];
  readonly pendingMaterial?: MaterialHeader | undefined;
  /** Set when there are details among what is encrypted. */
  readonly details?: true | undefined;
}

/** A header with any other field was written by a release that keeps more of a key than this one. */
const FIELDS: ReadonlySet<string> = new Set([
  'storeId',
  'generation',
  'id',
  'keySpec',
  'keyUsage',
  'keyState',
  'origin',
  'description',
  'creationDate',
  'deletionDate',
  'materials',
  'pendingMaterial',
  'details',
] satisfies (keyof RecordHeader)[]);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Writes a record: what is known of the key in the header, its material and details encrypted. */
export function encodeRecord(key: AesKey, place: RecordPlace, record: KeyRecord): Uint8Array {
  const own = ownFields(record);
  const { id, keySpec, keyUsage, keyState, origin, description } = own;
  const { creationDate, deletionDate, materials, pendingMaterial, details } = own;
  const header: RecordHeader = {
    id,
    keySpec,
    keyUsage,
    keyState,
    origin,
    description,
    creationDate: creationDate.toJSON(),
    deletionDate: deletionDate?.toJSON(),
    ...place,
    materials: materials.map(materialHeader),
    pendingMaterial: pendingMaterial && materialHeader(pendingMaterial),
    details: details === undefined ? undefined : true,
  };
  const parts = allMaterials(record).map(({ material }) => material);
  if (details !== undefined) parts.push(encoder.encode(details));
  const secrets = lengthPrefixed(parts);
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
 * @throws {@link DamagedStoreError} naming the file, the key, and what happened to it;
 * {@link UnsupportedOperationError} for a record of a newer release.
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
    const unknown = Object.keys(header).find((field) => !FIELDS.has(field));
    if (unknown !== undefined) {
      throw new UnsupportedOperationError(
        `${path} keeps ${unknown} of a key, which this release of keywrap does not know; use a newer release`,
        { keyId: id },
      );
    }
    const { creationDate, deletionDate, materials, pendingMaterial, details, ...known } = header;
    const parts = splitLengthPrefixed(file, secrets);
    const expected = materials.length + (pendingMaterial ? 1 : 0) + (details ? 1 : 0);
    if (parts.length !== expected) throw malformedFile(file);
    const next = (material: MaterialHeader) => readMaterial(material, parts.shift() as Uint8Array);
    return {
      ...known,
      creationDate: new Date(creationDate),
      ...(deletionDate && { deletionDate: new Date(deletionDate) }),
      materials: materials.map(next),
      ...(pendingMaterial && { pendingMaterial: next(pendingMaterial) }),
      ...(details && { details: decoder.decode(parts.shift()) }),
    };
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
  const { generation, creationDate, deletionDate, materials, pendingMaterial, details } = header;
  return (
    texts.every((text) => typeof text === 'string') &&
    typeof generation === 'number' &&
    isDate(creationDate) &&
    (deletionDate === undefined || isDate(deletionDate)) &&
    Array.isArray(materials) &&
    materials.every(isMaterial) &&
    (pendingMaterial === undefined || isMaterial(pendingMaterial)) &&
    (details === undefined || details === true)
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

function materialHeader(material: MaterialVersion): MaterialHeader {
  const { version, publicKey } = ownFields(material);
  return { version, ...(publicKey && { publicKey: Buffer.from(publicKey).toString('base64') }) };
}

function readMaterial(material: MaterialHeader, secret: Uint8Array): MaterialVersion {
  const { version, publicKey } = ownFields(material);
  return {
    version,
    material: hideBytes(copyBytes(secret)),
    ...(publicKey && { publicKey: new Uint8Array(Buffer.from(publicKey, 'base64')) }),
  };
}

/** SHA-256, in base64. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
