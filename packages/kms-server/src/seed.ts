import {
  InvalidInputError,
  isKeyArn,
  isKeySpec,
  type KeySpec,
  type KeyUsage,
  keyUsagesOf,
  ownSecret,
  parseKeyId,
  readFields,
  wipe,
} from '@keywrap/core';
import {
  type MaterialVersion,
  makeMaterial,
  readMaterial,
  selectEngine,
} from '@keywrap/provider-local/old-keys';
import type { RegionKeys } from './keys/key-store.js';
import { type KmsKey, materialHistory, UNSET } from './keys/kms-key.js';
import { describeMaterial, materialId } from './keys/material.js';
import { defaultPolicy } from './keys/policy.js';
import { KmsError } from './protocol/kms-error.js';
import { isRegionName, type Regions } from './region.js';

/**
 * A key that the server has from the start, with the names that it has in production. A store may have it
 * already: then it stays as it is, with its state, aliases and material.
 */
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
}

/**
 * Makes the keys of a seed, and their aliases, where the store does not have them yet.
 *
 * @throws InvalidInputError naming the entry and the field: also when the store has a key of another
 * kind, or with other material, under that name.
 */
export async function plantKeys(
  seed: readonly SeedKey[],
  regions: Regions,
  scope: SeedScope,
): Promise<void> {
  if (!Array.isArray(seed)) throw new InvalidInputError('keys', 'must be a list of keys');
  const names = new Set<string>();
  for (const [index, entry] of seed.entries()) {
    await plantKey(entry, `keys[${index}]`, names, regions, scope);
  }
}

async function plantKey(
  value: unknown,
  field: string,
  names: Set<string>,
  regions: Regions,
  server: SeedScope,
) {
  const fields = readFields(value, field, NAMES);
  for (const name of NAMES) {
    if (fields[name] === undefined || typeof fields[name] === 'string') continue;
    throw new InvalidInputError(`${field}.${name}`, 'must be a string');
  }
  const entry = fields as SeedKey;
  const name = readId(entry, field, server);
  const { keys } = regions.get(name.region);
  const alias = readAlias(entry, field);
  const arn = keys.arnOf(name);
  assertArn(arn, entry, field);
  assertOnce(names, arn, `${field}.keyId`);
  if (alias !== undefined) assertOnce(names, keys.aliasArnOf(alias), `${field}.alias`);
  const kind = readKind(entry, field);
  const isNamedByAlias = entry.keyId === undefined && alias !== undefined;
  const known = isNamedByAlias ? await keys.getByAlias(alias) : await keys.get(name.id);
  if (known !== undefined) await assertSame(known, kind, entry, field);
  const key = known ?? (await keys.add(await makeKey(entry, kind, field, name.id, keys)));
  if (alias === undefined || (isNamedByAlias && known !== undefined)) return;
  const isClaimed = await claimAlias(keys, alias, key);
  // Another server makes a key for this alias at the same time, and was faster.
  if (!isClaimed && isNamedByAlias) await keys.remove(key);
}

/** Makes an alias. @returns Whether there was none of that name. */
async function claimAlias(keys: RegionKeys, alias: string, key: KmsKey): Promise<boolean> {
  if ((await keys.getByAlias(alias)) !== undefined) return false;
  try {
    await keys.createAlias(alias, key);
    return true;
  } catch (error) {
    if (error instanceof KmsError && error.type === 'AlreadyExistsException') return false;
    throw error;
  }
}

/** A store calls the key by its ARN, and is refused at the next start when that is none. */
function assertArn(arn: string, { keyId }: SeedKey, field: string): void {
  if (!isKeyArn(arn)) {
    throw new InvalidInputError(
      `${field}.keyId`,
      "must begin with a letter or digit, hold nothing else but '_' and '-', and not be too long for an ARN",
    );
  }
  if (keyId?.startsWith('arn:') && keyId !== arn) {
    throw new InvalidInputError(
      `${field}.keyId`,
      `is of another partition; here it would be ${arn}`,
    );
  }
}

function assertOnce(names: Set<string>, name: string, field: string): void {
  if (names.has(name)) throw new InvalidInputError(field, 'is there twice');
  names.add(name);
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
  if (!isRegionName(name.region)) {
    throw new InvalidInputError(`${field}.keyId`, `is of ${name.region}, which is no region`);
  }
  return { id: name.id, region: name.region };
}

function readAlias({ alias }: SeedKey, field: string): string | undefined {
  if (alias === undefined) return undefined;
  if (parseKeyId(alias, `${field}.alias`).kind === 'alias-name') return alias;
  throw new InvalidInputError(`${field}.alias`, 'must be alias/<name>');
}

type Kind = Pick<KmsKey, 'keySpec' | 'keyUsage'>;

function readKind({ keySpec = 'SYMMETRIC_DEFAULT', ...entry }: SeedKey, field: string): Kind {
  if (!isKeySpec(keySpec)) throw new InvalidInputError(`${field}.keySpec`, 'is not known');
  const usages = keyUsagesOf(keySpec);
  const { keyUsage = usages[0] as KeyUsage } = entry;
  if (usages.includes(keyUsage)) return { keySpec, keyUsage };
  throw new InvalidInputError(`${field}.keyUsage`, `must be ${usages.join(' or ')}`);
}

async function makeKey(
  { description = '', keyMaterial }: SeedKey,
  kind: Kind,
  field: string,
  id: string,
  { scope, now }: RegionKeys,
): Promise<KmsKey> {
  const material = await readOrMakeMaterial(kind.keySpec, keyMaterial, field);
  return {
    ...UNSET,
    id,
    ...kind,
    keyState: 'Enabled',
    origin: 'AWS_KMS',
    description,
    creationDate: now(),
    materials: [describeMaterial(id, material)],
    missing: [],
    multiRegion: id.startsWith('mrk-'),
    tags: [],
    policy: defaultPolicy(scope),
    aliasDates: {},
  };
}

/** The key that the store has already must be the one that is meant. */
async function assertSame(
  key: KmsKey,
  { keySpec, keyUsage }: Kind,
  { keyMaterial }: SeedKey,
  field: string,
): Promise<void> {
  if (key.keySpec !== keySpec || key.keyUsage !== keyUsage) {
    throw new InvalidInputError(
      field,
      `is ${keySpec} for ${keyUsage}, but the store has ${key.keySpec} for ${key.keyUsage} under that name`,
    );
  }
  if (keyMaterial === undefined) return;
  const { material } = await readOrMakeMaterial(keySpec, keyMaterial, field);
  const wanted = materialId(key.id, material);
  wipe(material);
  if (materialHistory(key).some(({ id }) => id === wanted)) return;
  throw new InvalidInputError(
    `${field}.keyMaterial`,
    'is not the material of the key that the store has under that name',
  );
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
