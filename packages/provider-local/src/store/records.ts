import {
  formatAliasArn,
  formatKeyArn,
  newSecret,
  UnsupportedOperationError,
  wipe,
} from '@keywrap/core';
import { KeyMaterial } from '../keys/material.js';
import type { AliasRecord, KeyRecord, KeyVersion } from '../keys/record.js';
import { materialsOf } from './materials.js';

// What is sealed in a row: the length of a header as an unsigned 32-bit number, big-endian; the header,
// which is JSON; and the material of the key's versions, one after the other, because a string in memory
// can't be wiped. Names of fields are those of the records; what is undefined is left out.

const LENGTH = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// What is written: fields of the records, but for `id`, `alias` and `keyId`, which the columns say.
const KEY = [
  'scope',
  'keySpec',
  'keyUsage',
  'keyState',
  'origin',
  'description',
  'creationDate',
  'deletionDate',
  'versions',
  'pendingVersion',
  'automaticRotation',
  'primaryRegion',
  'tags',
  'policy',
] as const satisfies readonly (keyof KeyRecord)[];
const VERSION = [
  'version',
  'materialId',
  'material',
  'publicKey',
  'rotation',
  'description',
  'validTo',
] as const satisfies readonly (keyof KeyVersion)[];
const ALIAS = ['scope', 'creationDate', 'lastUpdatedDate'] as const;
const SCOPE = ['partition', 'region', 'account'] as const;
const TAG = ['key', 'value'] as const;
const ROTATION = ['date', 'type'] as const;
const AUTOMATIC_ROTATION = ['periodInDays', 'nextDate'] as const;

/** @returns Secret bytes: the caller wipes them. */
export function encodeKey(record: KeyRecord): Uint8Array {
  const version = (of: KeyVersion) => ({
    ...pick(of, VERSION),
    material: of.material?.bytes.length,
    publicKey: of.publicKey && Buffer.from(of.publicKey).toString('base64'),
    rotation: of.rotation && pick(of.rotation, ROTATION),
  });
  const { automaticRotation, pendingVersion } = record;
  const header = {
    ...pick(record, KEY),
    scope: pick(record.scope, SCOPE),
    versions: record.versions.map(version),
    pendingVersion: pendingVersion && version(pendingVersion),
    automaticRotation: automaticRotation && pick(automaticRotation, AUTOMATIC_ROTATION),
    tags: record.tags.map((of) => pick(of, TAG)),
  };
  return encode(
    header,
    materialsOf(record).map(({ bytes }) => bytes),
  );
}

export function encodeAlias(record: AliasRecord): Uint8Array {
  return encode({ ...pick(record, ALIAS), scope: pick(record.scope, SCOPE) }, []);
}

/** These fields and no others, whatever else the object has: what is not read again is not written. */
function pick<From extends object, Name extends keyof From>(
  from: From,
  names: readonly Name[],
): Pick<From, Name> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<From, Name>;
}

function encode(header: object, materials: readonly Uint8Array[]): Uint8Array {
  const json = encoder.encode(JSON.stringify(header));
  const total = materials.reduce((sum, { length }) => sum + length, LENGTH + json.length);
  const content = newSecret(total);
  new DataView(content.buffer).setUint32(0, json.length);
  content.set(json, LENGTH);
  let offset = LENGTH + json.length;
  for (const bytes of materials) {
    content.set(bytes, offset);
    offset += bytes.length;
  }
  return content;
}

/**
 * Decodes what {@link encodeKey} wrote, and wipes it.
 *
 * @returns Undefined when it is anything else, or belongs to another ARN.
 * @throws {@link UnsupportedOperationError} for fields that a newer release wrote: the next change would lose them.
 */
export function decodeKey(arn: string, id: string, content: Uint8Array): KeyRecord | undefined {
  return decode(content, (json, takeMaterial) => {
    const version = (value: unknown): KeyVersion => {
      const { material, publicKey, ...rest } = fields(value, VERSION);
      return {
        version: count(rest.version),
        materialId: text(rest.materialId),
        material: optional(takeMaterial)(material),
        publicKey: optional(base64)(publicKey),
        rotation: optional(rotation)(rest.rotation),
        description: optional(text)(rest.description),
        validTo: optional(date)(rest.validTo),
      };
    };
    const key = fields(json, KEY);
    const record: KeyRecord = {
      scope: scope(key.scope),
      id,
      keySpec: text(key.keySpec) as KeyRecord['keySpec'],
      keyUsage: text(key.keyUsage) as KeyRecord['keyUsage'],
      keyState: text(key.keyState) as KeyRecord['keyState'],
      origin: text(key.origin) as KeyRecord['origin'],
      description: text(key.description),
      creationDate: date(key.creationDate),
      deletionDate: optional(date)(key.deletionDate),
      versions: list(version)(key.versions),
      pendingVersion: optional(version)(key.pendingVersion),
      automaticRotation: optional(automaticRotation)(key.automaticRotation),
      primaryRegion: optional(text)(key.primaryRegion),
      tags: list(tag)(key.tags),
      policy: optional(text)(key.policy),
    };
    return formatKeyArn(id, record.scope) === arn ? record : malformed();
  });
}

/** As {@link decodeKey}. @param keyArn The key that the alias stands for. */
export function decodeAlias(
  arn: string,
  keyArn: string,
  content: Uint8Array,
): AliasRecord | undefined {
  return decode(content, (json) => {
    const alias = fields(json, ALIAS);
    const aliasScope = scope(alias.scope);
    const [alias0, key0] = [formatAliasArn('', aliasScope), formatKeyArn('', aliasScope)];
    if (!arn.startsWith(alias0) || !keyArn.startsWith(key0)) return malformed();
    return {
      scope: aliasScope,
      alias: arn.slice(alias0.length),
      keyId: keyArn.slice(key0.length),
      creationDate: date(alias.creationDate),
      lastUpdatedDate: date(alias.lastUpdatedDate),
    };
  });
}

/** Thrown for JSON that was not written here, and caught in {@link decode}. */
const MALFORMED = new Error('malformed');

function malformed(): never {
  throw MALFORMED;
}

function decode<Result>(
  content: Uint8Array,
  read: (json: unknown, takeMaterial: (length: unknown) => KeyMaterial) => Result,
): Result | undefined {
  const taken: KeyMaterial[] = [];
  try {
    if (content.length < LENGTH) return malformed();
    const view = new DataView(content.buffer, content.byteOffset, content.length);
    let offset = LENGTH + view.getUint32(0);
    const takeMaterial = (length: unknown): KeyMaterial => {
      const end = offset + count(length);
      if (end > content.length) return malformed();
      const bytes = newSecret(end - offset);
      bytes.set(content.subarray(offset, end));
      offset = end;
      const material = new KeyMaterial(bytes);
      taken.push(material);
      return material;
    };
    const result = read(JSON.parse(decoder.decode(content.subarray(LENGTH, offset))), takeMaterial);
    return offset === content.length ? result : malformed();
  } catch (error) {
    for (const material of taken) material.destroy();
    if (error instanceof UnsupportedOperationError) throw error;
    return undefined;
  } finally {
    wipe(content);
  }
}

/** The fields of a JSON object, none of them lent by `Object.prototype`. */
function fields<Name extends string>(
  value: unknown,
  names: readonly Name[],
): Partial<Record<Name, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return malformed();
  const unknown = Object.keys(value).find((name) => !names.includes(name as Name));
  if (unknown !== undefined) {
    throw new UnsupportedOperationError(
      `the key store keeps ${JSON.stringify(unknown)}, which this release of keywrap does not know; use a newer release`,
    );
  }
  return Object.assign(Object.create(null), value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : malformed();
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : malformed();
}

function date(value: unknown): Date {
  const read = new Date(text(value));
  return !Number.isNaN(read.getTime()) && read.toJSON() === value ? read : malformed();
}

function base64(value: unknown): Uint8Array {
  const bytes = Buffer.from(text(value), 'base64');
  return bytes.toString('base64') === value ? new Uint8Array(bytes) : malformed();
}

function optional<Result>(read: (value: unknown) => Result) {
  return (value: unknown): Result | undefined => (value === undefined ? undefined : read(value));
}

function list<Result>(read: (value: unknown) => Result) {
  return (value: unknown): readonly Result[] =>
    Array.isArray(value) ? value.map((item) => read(item)) : malformed();
}

function scope(value: unknown): KeyRecord['scope'] {
  const { partition, region, account } = fields(value, SCOPE);
  return { partition: text(partition), region: text(region), account: text(account) };
}

function tag(value: unknown): KeyRecord['tags'][number] {
  const { key, value: tagged } = fields(value, TAG);
  return { key: text(key), value: text(tagged) };
}

function rotation(value: unknown): KeyVersion['rotation'] {
  const { date: day, type } = fields(value, ROTATION);
  if (type !== 'AUTOMATIC' && type !== 'ON_DEMAND') return malformed();
  return { date: date(day), type };
}

function automaticRotation(value: unknown): KeyRecord['automaticRotation'] {
  const { periodInDays, nextDate } = fields(value, AUTOMATIC_ROTATION);
  return { periodInDays: count(periodInDays), nextDate: date(nextDate) };
}
