import { InvalidInputError, KeyStateError } from '@keywrap/core';
import { type CryptoEngine, makeMaterial, parseMaterial } from '@keywrap/provider-local/driver';
import {
  createAlias,
  type KeyRecord,
  materialIdOf,
  type NewMaterial,
  newKey,
  newKeyId,
  newVersion,
} from '@keywrap/provider-local/keys';
import type { ParsedSeedKey } from './parse-seed.js';
import type { Region, Regions } from './regions.js';

/**
 * Creates the keys of a seed, and their aliases, that the store does not have yet.
 *
 * @throws InvalidInputError naming the entry if the store has a key of another kind, or with other material,
 * under that name, or if the primary of a new replica is pending deletion, and naming the field for malformed material.
 */
export async function plantKeys(seed: readonly ParsedSeedKey[], regions: Regions): Promise<void> {
  for (const entry of seed) await plantKey(entry, regions.get(entry.region));
}

/**
 * Creates a key, unless it exists. Starts over if another key has taken its name: one of a server that started
 * at the same time, or a replica in place of a primary.
 */
async function plantKey(entry: ParsedSeedKey, region: Region): Promise<void> {
  const { id, alias } = entry;
  const { keys, cipher } = region;
  const aliased = alias && (await keys.load({ kind: 'alias-name', alias }));
  const known = id === undefined ? aliased : await keys.loadId(id);
  if (!known) {
    const key = await makeKey(entry, region);
    const kept = await keys.add(key, aliased ? undefined : alias).catch((cause) => {
      if (!(cause instanceof KeyStateError)) throw cause;
      const problem = 'is a replica of a primary key that is pending deletion: cancel its deletion';
      throw new InvalidInputError(entry.field, `${problem}, or take the replica out`, { cause });
    });
    if (kept !== key) await plantKey(entry, region);
    return;
  }
  await assertSame(known, entry, cipher.engine);
  if (alias === undefined || aliased) return;
  await createAlias(keys, alias, known).catch((error) => {
    // Another server created it, or the key is pending deletion: leave it.
    const isLeft = error instanceof InvalidInputError || error instanceof KeyStateError;
    if (!isLeft) throw error;
  });
}

/** The key takes over the material. */
async function makeKey(entry: ParsedSeedKey, { keys, cipher }: Region): Promise<KeyRecord> {
  const { keySpec, keyUsage, description, id = newKeyId() } = entry;
  const version = await newVersion(id, await parseOrMakeMaterial(entry, cipher.engine));
  const about = { keySpec, keyUsage, origin: 'AWS_KMS', description } as const;
  const [scope, creationDate] = [keys.scope, keys.now()];
  return newKey({ scope, id, version, creationDate, ...about, tags: [], policy: undefined });
}

/** Checks that the existing key is the one that the seed describes. */
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
  const { material } = await parseOrMakeMaterial(entry, engine);
  const wanted = await materialIdOf(key.id, material).finally(() => material.destroy());
  if (key.versions.some(({ materialId }) => materialId === wanted)) return;
  throw new InvalidInputError(
    `${field}.keyMaterial`,
    'is not the material of the key that the store has under that name',
  );
}

async function parseOrMakeMaterial(
  { keySpec, keyMaterial, field }: ParsedSeedKey,
  engine: CryptoEngine,
): Promise<NewMaterial> {
  if (keyMaterial === undefined) return makeMaterial(engine, keySpec);
  try {
    return await parseMaterial(keySpec, keyMaterial, undefined);
  } catch (cause) {
    if (!(cause instanceof InvalidInputError)) throw cause;
    // Its message says what is wrong, and never contains any of the material.
    const problem =
      cause.field === 'passphrase'
        ? 'is encrypted, which a seed has no passphrase for; decrypt it first'
        : cause.message.slice(cause.field.length + 1);
    throw new InvalidInputError(`${field}.keyMaterial`, problem, { cause });
  }
}
