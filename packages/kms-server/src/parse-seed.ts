import {
  type ArnScope,
  arnPrefix,
  formatAliasArn,
  InvalidInputError,
  isKeySpec,
  type KeySpec,
  type KeyUsage,
  keyUsagesOf,
  parseKeyId,
  readFields,
} from '@keywrap/core';
import { problemOfName } from '@keywrap/provider-local/keys';
import { isRegionName, partitionOf } from './region-name.js';

/**
 * A key that the server starts with, under the names that it has in production. A key that the store already
 * has keeps its state, aliases and material.
 */
export interface SeedKey {
  /**
   * Its id, or its whole ARN; by default a new id. An id of the form `mrk-...` that is given in several
   * Regions is one multi-Region key: the first is the primary, the others are replicas with its material.
   */
  readonly keyId?: string | undefined;
  /** `alias/<name>` */
  readonly alias?: string | undefined;
  /** By default the Region of the ARN, or else the server's. */
  readonly region?: string | undefined;
  /** By default `SYMMETRIC_DEFAULT`. */
  readonly keySpec?: KeySpec | undefined;
  /** By default the usual usage of the key spec: RSA encrypts, ECC signs. */
  readonly keyUsage?: KeyUsage | undefined;
  readonly description?: string | undefined;
  /**
   * Base64 of the bytes of a symmetric or HMAC key; for RSA and ECC PEM, base64 of DER, or anything else that
   * `readKeyMaterial` of provider-local reads. By default it is generated, and then can't decrypt ciphertexts of an
   * earlier run.
   */
  readonly keyMaterial?: string | undefined;
}

const NAMES = [
  'keyId',
  'alias',
  'region',
  'keySpec',
  'keyUsage',
  'description',
  'keyMaterial',
] as const satisfies readonly (keyof SeedKey)[];

/** An entry of a seed, parsed. */
export interface ParsedSeedKey {
  /** The name of the entry in errors. */
  readonly field: string;
  readonly region: string;
  /** Undefined for a new id. */
  readonly id: string | undefined;
  readonly alias: string | undefined;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly description: string;
  readonly keyMaterial: string | undefined;
}

/** The server's Region and account, for keys that name none. */
type Server = Pick<ArnScope, 'region' | 'account'>;

/**
 * Parses a seed.
 *
 * @throws InvalidInputError naming the entry and the field.
 */
export function parseSeed(seed: unknown, server: Server): readonly ParsedSeedKey[] {
  if (!Array.isArray(seed)) throw new InvalidInputError('keys', 'must be a list of keys');
  const names = new Set<string>();
  return seed.map((value, index) => {
    const field = `keys[${index}]`;
    const entry = parseEntry(value, field);
    const { id, region } = parseId(entry, field, server);
    const alias = parseAlias(entry, field);
    const scope = { partition: partitionOf(region), region, account: server.account };
    if (id !== undefined) {
      // Not checked yet: its problem is named below.
      const arn = `${arnPrefix(scope)}key/${id}`;
      assertName(id, arn, entry, field);
      assertOnce(names, arn, `${field}.keyId`);
    }
    if (alias !== undefined) assertOnce(names, formatAliasArn(alias, scope), `${field}.alias`);
    const { description = '', keyMaterial } = entry;
    return { field, region, id, alias, ...parseKind(entry, field), description, keyMaterial };
  });
}

function parseEntry(value: unknown, field: string): SeedKey {
  const fields = readFields(value, field, NAMES);
  for (const name of NAMES) {
    if (fields[name] === undefined || typeof fields[name] === 'string') continue;
    throw new InvalidInputError(`${field}.${name}`, 'must be a string');
  }
  return fields as SeedKey;
}

function parseId({ keyId, region: named }: SeedKey, field: string, server: Server) {
  const region = named ?? server.region;
  if (!isRegionName(region)) {
    throw new InvalidInputError(`${field}.region`, 'must be the name of a Region');
  }
  if (keyId === undefined) return { id: undefined, region };
  const name = parseKeyId(keyId, `${field}.keyId`);
  if (name.kind === 'key-id') return { id: name.id, region };
  if (name.kind !== 'key-arn') {
    throw new InvalidInputError(`${field}.keyId`, 'must be a key id or key ARN; name it in alias');
  }
  if (name.account !== server.account) {
    throw new InvalidInputError(
      `${field}.keyId`,
      `is of account ${name.account}; the server's is ${server.account}: set it with account`,
    );
  }
  if (!isRegionName(name.region)) {
    throw new InvalidInputError(`${field}.keyId`, `is of ${name.region}, which is not a Region`);
  }
  return { id: name.id, region: name.region };
}

/** @param arn The ARN of the key in this server. */
function assertName(id: string, arn: string, { keyId }: SeedKey, field: string): void {
  const isElsewhere = keyId?.startsWith('arn:') && keyId !== arn;
  const problem =
    problemOfName({ id }) ??
    (isElsewhere ? `is of another partition; here it would be ${arn}` : undefined);
  if (problem !== undefined) throw new InvalidInputError(`${field}.keyId`, problem);
}

function assertOnce(names: Set<string>, name: string, field: string): void {
  if (names.has(name)) throw new InvalidInputError(field, 'is used twice');
  names.add(name);
}

function parseAlias({ alias }: SeedKey, field: string): string | undefined {
  if (alias === undefined) return undefined;
  if (parseKeyId(alias, `${field}.alias`).kind === 'alias-name') return alias;
  throw new InvalidInputError(`${field}.alias`, 'must be alias/<name>');
}

function parseKind({ keySpec = 'SYMMETRIC_DEFAULT', ...entry }: SeedKey, field: string) {
  if (!isKeySpec(keySpec)) throw new InvalidInputError(`${field}.keySpec`, 'is not known');
  const usages = keyUsagesOf(keySpec);
  const { keyUsage = usages[0] as KeyUsage } = entry;
  if (usages.includes(keyUsage)) return { keySpec, keyUsage };
  throw new InvalidInputError(`${field}.keyUsage`, `must be ${usages.join(' or ')}`);
}
