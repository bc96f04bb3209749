import { type ArnScope, arnPrefix, newSecret, wipe } from '@keywrap/core';
import { joined } from '../cipher/joined.js';
import { KeyMaterial } from '../keys/material.js';
import {
  type AliasRecord,
  allVersions,
  type KeyRecord,
  type KeyVersion,
  type Tag,
} from '../keys/record.js';
import {
  bytes,
  count,
  date,
  type Field,
  list,
  MALFORMED,
  malformed,
  name,
  object,
  optional,
  text,
} from './fields.js';

// A row seals the length of a header as an unsigned 32-bit number, big-endian; the header in JSON; and the
// material of the key's versions, concatenated. Material is not in the JSON because a string in memory can't
// be wiped. The header holds the length of each material; it omits the columns `id`, `alias` and `keyId`.

type Version = Omit<KeyVersion, 'material'> & { readonly material: number | undefined };
type Key = Omit<KeyRecord, 'id' | 'versions' | 'pendingVersion'> & {
  readonly versions: readonly Version[];
  readonly pendingVersion: Version | undefined;
};

const SCOPE = object<ArnScope>({ partition: text, region: text, account: text });
const VERSION = object<Version>({
  version: count,
  materialId: text,
  material: optional(count),
  publicKey: optional(bytes),
  rotation: optional(object({ date, type: name<'AUTOMATIC' | 'ON_DEMAND'>() })),
  description: optional(text),
  validTo: optional(date),
});
const KEY = object<Key>({
  scope: SCOPE,
  keySpec: name(),
  keyUsage: name(),
  keyState: name(),
  origin: name(),
  description: text,
  creationDate: date,
  deletionDate: optional(date),
  pendingWindowInDays: optional(count),
  versions: list(VERSION),
  pendingVersion: optional(VERSION),
  automaticRotation: optional(object({ periodInDays: count, nextDate: date })),
  primaryRegion: optional(text),
  tags: list(object<Tag>({ key: text, value: text })),
  policy: optional(text),
});
const ALIAS = object<Omit<AliasRecord, 'alias' | 'keyId'>>({
  scope: SCOPE,
  creationDate: date,
  lastUpdatedDate: date,
});

const LENGTH = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @returns Secret bytes: the caller wipes them. */
export function encodeKey(record: KeyRecord): Uint8Array {
  const version = (of: KeyVersion): Version => ({ ...of, material: of.material?.bytes.length });
  const { versions, pendingVersion } = record;
  const header = {
    ...record,
    versions: versions.map(version),
    pendingVersion: pendingVersion && version(pendingVersion),
  };
  return encode(
    KEY.write(header),
    allVersions(record).flatMap(({ material }) => material?.bytes ?? []),
  );
}

export function encodeAlias(record: AliasRecord): Uint8Array {
  return encode(ALIAS.write(record), []);
}

/**
 * Decodes what {@link encodeKey} wrote, and wipes it.
 *
 * @returns Undefined when it is anything else, or belongs to another ARN.
 * @throws `UnsupportedOperationError` for what a newer release wrote.
 */
export function decodeKey(arn: string, id: string, content: Uint8Array): KeyRecord | undefined {
  return decode(content, KEY, (key, material) => {
    if (`${arnPrefix(key.scope)}key/${id}` !== arn) return malformed();
    const version = (of: Version): KeyVersion => ({
      ...of,
      material: of.material === undefined ? undefined : material(of.material),
    });
    const { versions, pendingVersion } = key;
    return {
      ...key,
      id,
      versions: versions.map(version),
      pendingVersion: pendingVersion && version(pendingVersion),
    };
  });
}

/** As {@link decodeKey}. @param keyArn The ARN of the alias's key. */
export function decodeAlias(
  arn: string,
  keyArn: string,
  content: Uint8Array,
): AliasRecord | undefined {
  return decode(content, ALIAS, (record) => {
    const aliases = arnPrefix(record.scope);
    const keys = `${aliases}key/`;
    if (!arn.startsWith(aliases) || !keyArn.startsWith(keys)) return malformed();
    return { ...record, alias: arn.slice(aliases.length), keyId: keyArn.slice(keys.length) };
  });
}

function encode(header: unknown, materials: readonly Uint8Array[]): Uint8Array {
  const json = encoder.encode(JSON.stringify(header));
  const start = Buffer.alloc(LENGTH);
  start.writeUInt32BE(json.length);
  return joined(start, json, ...materials);
}

/** @param complete Makes a record of the header, taking the materials in order by their lengths. */
function decode<Header, Result>(
  content: Uint8Array,
  field: Field<Header>,
  complete: (header: Header, material: (length: number) => KeyMaterial) => Result,
): Result | undefined {
  const taken: KeyMaterial[] = [];
  try {
    if (content.length < LENGTH) return malformed();
    const view = new DataView(content.buffer, content.byteOffset, content.length);
    let offset = LENGTH + view.getUint32(0);
    const header = field.read(JSON.parse(decoder.decode(content.subarray(LENGTH, offset))));
    const result = complete(header, (length) => {
      if (offset + length > content.length) return malformed();
      const material = newSecret(length);
      material.set(content.subarray(offset, offset + length));
      offset += length;
      taken.push(new KeyMaterial(material));
      return taken.at(-1) as KeyMaterial;
    });
    return offset === content.length ? result : malformed();
  } catch (error) {
    for (const material of taken) material.destroy();
    // By name: in a test runner, errors of the platform are of another realm.
    if (error === MALFORMED || /^(Syntax|Type)Error$/.test((error as Error).name)) return;
    throw error;
  } finally {
    wipe(content);
  }
}
