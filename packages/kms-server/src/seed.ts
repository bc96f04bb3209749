import {
  type ArnScope,
  InvalidInputError,
  type KeySpec,
  type KeyUsage,
  ownSecret,
  parseKeyId,
  readFields,
  wipe,
} from '@keywrap/core';
import {
  keyUsagesOf,
  type MaterialVersion,
  makeMaterial,
  readMaterial,
  selectEngine,
} from '@keywrap/provider-local/keys';
import { type KmsKey, UNSET } from './keys/kms-key.js';
import { describeMaterial } from './keys/material.js';
import { defaultPolicy } from './keys/policy.js';
import { isRegionName, type Regions } from './region.js';

/** A key that the server has from the start, with the names that it has in production. */
export interface SeedKey {
  /** Its id, or its whole ARN; without it, a new id. */
  readonly keyId?: string | undefined;
  /** `alias/<name>` */
  readonly alias?: string | undefined;
  /** By default that of the ARN, or else the server's. */
  readonly region?: string | undefined;
  /** By default `SYMMETRIC_DEFAULT`. */
  readonly keySpec?: KeySpec | undefined;
  /** By default the usual use of its kind: RSA encrypts, ECC signs. */
  readonly keyUsage?: KeyUsage | undefined;
  readonly description?: string | undefined;
  /**
   * PEM, or base64 of 32 bytes (of DER for RSA and ECC). Without it, new material is made, and what an
   * earlier run encrypted does not open any more.
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

/** Where the server is, for keys that do not say it. */
export interface SeedScope {
  readonly region: string;
  readonly account: string;
  readonly now: () => Date;
}

/**
 * Makes the keys of a seed.
 *
 * @throws InvalidInputError naming the entry and the field.
 */
export async function plantKeys(
  seed: readonly SeedKey[],
  regions: Regions,
  scope: SeedScope,
): Promise<void> {
  if (!Array.isArray(seed)) throw new InvalidInputError('keys', 'must be a list of keys');
  for (const [index, entry] of seed.entries()) {
    await plantKey(entry, `keys[${index}]`, regions, scope);
  }
}

async function plantKey(value: unknown, field: string, regions: Regions, server: SeedScope) {
  const fields = readFields(value, field, NAMES);
  for (const name of NAMES) {
    if (fields[name] === undefined || typeof fields[name] === 'string') continue;
    throw new InvalidInputError(`${field}.${name}`, 'must be a string');
  }
  const entry = fields as SeedKey;
  const name = readId(entry, field, server);
  const { keys } = regions.get(name.region);
  const key = await makeKey(entry, field, name.id, keys.scope, server.now());
  if (keys.get(name.id) !== undefined) {
    throw new InvalidInputError(`${field}.keyId`, 'is there twice');
  }
  const alias = readAlias(entry, field);
  keys.add(key);
  if (alias === undefined) return;
  if (keys.getByAlias(alias) !== undefined) {
    throw new InvalidInputError(`${field}.alias`, 'is there twice');
  }
  keys.putAlias(alias, key);
}

function readId({ keyId, region: named }: SeedKey, field: string, server: SeedScope) {
  const region = named ?? server.region;
  if (!isRegionName(region)) {
    throw new InvalidInputError(`${field}.region`, 'must be the name of a region');
  }
  if (keyId === undefined) return { id: crypto.randomUUID() as string, region };
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
  return { id: name.id, region: name.region };
}

function readAlias({ alias }: SeedKey, field: string): string | undefined {
  if (alias === undefined) return undefined;
  if (parseKeyId(alias, `${field}.alias`).kind === 'alias-name') return alias;
  throw new InvalidInputError(`${field}.alias`, 'must be alias/<name>');
}

async function makeKey(
  { keySpec = 'SYMMETRIC_DEFAULT', description = '', ...entry }: SeedKey,
  field: string,
  id: string,
  scope: ArnScope,
  creationDate: Date,
): Promise<KmsKey> {
  const usages = keyUsagesOf(keySpec) as readonly KeyUsage[] | undefined;
  if (usages === undefined) throw new InvalidInputError(`${field}.keySpec`, 'is not known');
  const { keyUsage = usages[0] as KeyUsage } = entry;
  if (!usages.includes(keyUsage)) {
    throw new InvalidInputError(`${field}.keyUsage`, `must be ${usages.join(' or ')}`);
  }
  const material = await readOrMakeMaterial(keySpec, entry.keyMaterial, field);
  return {
    ...UNSET,
    id,
    keySpec,
    keyUsage,
    keyState: 'Enabled',
    origin: 'AWS_KMS',
    description,
    creationDate,
    materials: [describeMaterial(id, material)],
    missing: [],
    multiRegion: id.startsWith('mrk-'),
    tags: [],
    policy: defaultPolicy(scope),
  };
}

async function readOrMakeMaterial(
  keySpec: KeySpec,
  text: string | undefined,
  field: string,
): Promise<MaterialVersion> {
  if (text === undefined) return makeMaterial(await selectEngine('node'), keySpec);
  const bytes = text.startsWith('-----BEGIN') ? text : ownSecret(Buffer.from(text, 'base64'));
  try {
    return await readMaterial(keySpec, bytes, undefined);
  } catch (cause) {
    // Its message says what is wrong, and never holds any of the material.
    const problem =
      cause instanceof Error ? cause.message.replace(/^keyMaterial /, '') : 'is malformed';
    throw new InvalidInputError(`${field}.keyMaterial`, problem, { cause });
  } finally {
    if (typeof bytes !== 'string') wipe(bytes);
  }
}
