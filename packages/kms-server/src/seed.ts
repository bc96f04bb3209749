import {
  InvalidInputError,
  isKeySpec,
  type KeySpec,
  KeyStateError,
  type KeyUsage,
  keyUsagesOf,
  ownSecret,
  parseKeyId,
  readFields,
  wipe,
} from '@keywrap/core';
import { type CryptoEngine, makeMaterial, readMaterial } from '@keywrap/provider-local/driver';
import {
  createAlias,
  type KeyRecord,
  type Keys,
  materialIdOf,
  type NewMaterial,
  newKey,
  newKeyId,
  newVersion,
  problemOfName,
} from '@keywrap/provider-local/keys';
import { isRegionName } from './region-name.js';
import type { Region, Regions } from './regions.js';

/**
 * A key that the server has from the start, with the names that it has in production. A key that the store
 * has already stays as it is, with its state, aliases and material.
 */
export interface SeedKey {
  /**
   * Its id, or its whole ARN; without it, a new id. An id of the form `mrk-...` that is given in several
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
   * PEM, or base64 of 32 bytes (of DER for RSA and ECC). Without it, new material is made, which can't
   * decrypt what an earlier run encrypted.
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

/** Of the server: for keys that name no Region, and to check the account of those that do. */
interface SeedScope {
  readonly region: string;
  readonly account: string;
}

/** An entry of a seed, parsed. */
interface ParsedSeedKey {
  /** How errors name the entry. */
  readonly field: string;
  /** Undefined for a new id. */
  readonly id: string | undefined;
  readonly alias: string | undefined;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly description: string;
  readonly keyMaterial: string | undefined;
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
  for (const [index, value] of seed.entries()) {
    const field = `keys[${index}]`;
    const entry = parseEntry(value, field);
    const { id, region: name } = parseId(entry, field, scope);
    const region = regions.get(name);
    const { keys } = region;
    const alias = parseAlias(entry, field);
    if (id !== undefined) {
      assertName(id, keys, entry, field);
      assertOnce(names, keys.arnOf(id), `${field}.keyId`);
    }
    if (alias !== undefined) assertOnce(names, keys.aliasArnOf(alias), `${field}.alias`);
    const { description = '', keyMaterial } = entry;
    const kind = parseKind(entry, field);
    await plantKey({ field, id, alias, ...kind, description, keyMaterial }, region);
  }
}

/**
 * Makes a key, unless it is there. Starts over where another key has its name: that of a server that starts
 * at the same time and was faster, or a replica in place of what was to be a primary.
 */
async function plantKey(entry: ParsedSeedKey, region: Region): Promise<void> {
  const { id, alias } = entry;
  const { keys, cipher } = region;
  const aliased = alias && (await keys.load({ kind: 'alias-name', alias }));
  const known = id === undefined ? aliased : await keys.loadId(id);
  if (!known) {
    const key = await makeKey(entry, region);
    const kept = await keys.add(key, aliased ? undefined : alias);
    if (kept !== key) await plantKey(entry, region);
    return;
  }
  await assertSame(known, entry, cipher.engine);
  if (alias === undefined || aliased) return;
  await createAlias(keys, alias, known).catch((error) => {
    // Another server made it, or the key is pending deletion: it stays as it is.
    const isLeft = error instanceof InvalidInputError || error instanceof KeyStateError;
    if (!isLeft) throw error;
  });
}

/** Its material changes owner when it is added. */
async function makeKey(entry: ParsedSeedKey, { keys, cipher }: Region): Promise<KeyRecord> {
  const { keySpec, keyUsage, description, id = newKeyId() } = entry;
  const material = await readOrMakeMaterial(entry, cipher.engine);
  return newKey({
    scope: keys.scope,
    id,
    keySpec,
    keyUsage,
    origin: 'AWS_KMS',
    description,
    creationDate: keys.now(),
    version: await newVersion(id, material),
    tags: [],
    policy: undefined,
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

function assertName(id: string, keys: Keys, { keyId }: SeedKey, field: string): void {
  const arn = keys.arnOf(id);
  const problem =
    problemOfName({ id }) ??
    (keyId?.startsWith('arn:') && keyId !== arn
      ? `is of another partition; here it would be ${arn}`
      : undefined);
  if (problem !== undefined) throw new InvalidInputError(`${field}.keyId`, problem);
}

function assertOnce(names: Set<string>, name: string, field: string): void {
  if (names.has(name)) throw new InvalidInputError(field, 'is there twice');
  names.add(name);
}

function parseId({ keyId, region: named }: SeedKey, field: string, server: SeedScope) {
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

/** The key that the store has already must be the one that is meant. */
async function assertSame(
  key: KeyRecord,
  entry: ParsedSeedKey,
  engine: CryptoEngine,
): Promise<void> {
  const { field, keySpec, keyUsage, keyMaterial } = entry;
  if (key.keySpec !== keySpec || key.keyUsage !== keyUsage) {
    throw new InvalidInputError(
      field,
      `is ${keySpec} for ${keyUsage}, but the store has ${key.keySpec} for ${key.keyUsage} under that name`,
    );
  }
  if (keyMaterial === undefined) return;
  const { material } = await readOrMakeMaterial(entry, engine);
  const wanted = await materialIdOf(key.id, material).finally(() => material.destroy());
  if (key.versions.some(({ materialId }) => materialId === wanted)) return;
  throw new InvalidInputError(
    `${field}.keyMaterial`,
    'is not the material of the key that the store has under that name',
  );
}

async function readOrMakeMaterial(
  { keySpec, keyMaterial: text, field }: ParsedSeedKey,
  engine: CryptoEngine,
): Promise<NewMaterial> {
  if (text === undefined) return makeMaterial(engine, keySpec);
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
