import { createHash } from 'node:crypto';
import { UnsupportedOperationError, wipe } from '@keywrap/core';
import type { AesKey } from '../engines/index.js';
import { hideBytes } from '../keys/hide-bytes.js';
import { allMaterials, type KeyRecord, type MaterialVersion } from '../keys/key-record.js';
import { DamagedStoreError } from './errors.js';
import {
  lengthPrefixed,
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
  const { id, keySpec, keyUsage, keyState, origin, description } = record;
  const { creationDate, deletionDate, materials, pendingMaterial, details } = record;
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
    const { storeId: madeFor, generation, ...header } = file.header as RecordHeader;
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
    const unknown = Object.keys(file.header as RecordHeader).find((field) => !FIELDS.has(field));
    if (unknown !== undefined) {
      throw new UnsupportedOperationError(
        `${path} keeps ${unknown} of a key, which this release of keywrap does not know; use a newer release`,
        { keyId: id },
      );
    }
    const parts = splitLengthPrefixed(secrets);
    const { creationDate, deletionDate, materials, pendingMaterial, details, ...rest } = header;
    const next = (material: MaterialHeader) => readMaterial(material, parts.shift() as Uint8Array);
    return {
      ...rest,
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

function materialHeader({ version, publicKey }: MaterialVersion): MaterialHeader {
  return { version, ...(publicKey && { publicKey: Buffer.from(publicKey).toString('base64') }) };
}

function readMaterial({ version, publicKey }: MaterialHeader, secret: Uint8Array): MaterialVersion {
  return {
    version,
    material: hideBytes(secret.slice()),
    ...(publicKey && { publicKey: new Uint8Array(Buffer.from(publicKey, 'base64')) }),
  };
}

/** SHA-256, in base64. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
