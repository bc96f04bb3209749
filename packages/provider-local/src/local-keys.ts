import {
  type AliasDescription,
  encryptionAlgorithmsOf,
  InvalidInputError,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  parseKeyId,
} from '@keywrap/core';
import type { CryptoEngine } from './cipher/engines/index.js';
import { aliasTaken } from './keys/aliases.js';
import {
  materialIdOf,
  type NewMaterial,
  newKey,
  newKeyId,
  newSymmetricVersion,
  newVersion,
} from './keys/create.js';
import { isAlias, problemOfName } from './keys/key-name.js';
import type { Keys } from './keys/keys.js';
import { allRows } from './keys/pages.js';
import {
  type AliasRecord,
  aliasArnOf,
  arnOf,
  type KeyRecord,
  materialsOf,
  newestVersion,
  targetOf,
} from './keys/record.js';
import { assertImportable, assertRotatable, imported, rotated } from './keys/transitions.js';
import { makeMaterial, parseMaterial } from './new-material.js';
import type { GivenKey, Settings } from './options.js';
import type { CreateKeyRequest, ImportRequest } from './parse-input.js';

const SYMMETRIC: CreateKeyRequest = {
  keySpec: 'SYMMETRIC_DEFAULT',
  keyUsage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  description: '',
  alias: undefined,
};

/** Finds the keys of one provider, and makes new keys and material. */
export class LocalKeys {
  readonly keys: Keys;
  readonly #engine: CryptoEngine;
  readonly #createMissing: boolean;

  constructor(keys: Keys, engine: CryptoEngine, { createMissingKeys }: Settings) {
    this.keys = keys;
    this.#engine = engine;
    this.#createMissing = createMissingKeys;
  }

  /** Creates the keys of the options that the store does not have yet. */
  async prepare(given: readonly GivenKey[]): Promise<void> {
    for (const [index, key] of given.entries()) {
      await this.#plant(key, `options.keys[${index}]`);
    }
  }

  /** Loads a key, or creates it if the options say so. @throws {@link KeyNotFoundError} */
  async find(name: KeyName): Promise<KeyRecord> {
    const key = await this.keys.load(name);
    if (key !== undefined) return key;
    if (this.#createMissing && this.keys.isHere(name) && problemOfName(name) === undefined) {
      return this.#add(placeOf(name), SYMMETRIC);
    }
    const { region, account } = this.keys.scope;
    const hint = name.kind === 'key-id' ? ' (an alias is written alias/orders)' : '';
    throw new KeyNotFoundError(
      `${name.text} does not exist in ${region}, account ${account}; check the name${hint}, the region and the account`,
      { keyId: name.text },
    );
  }

  async create(request: CreateKeyRequest): Promise<KeyRecord> {
    const id = newKeyId();
    const { alias } = request;
    if (alias === undefined) return this.#add({ id, alias }, request);
    // Checked before generating the material, which may take seconds, and again when the key is added.
    const taken = await this.keys.load(parseKeyId(alias));
    const key = taken ?? (await this.#add({ id, alias }, request));
    if (key.id !== id) throw aliasTaken();
    return key;
  }

  async importMaterial({ key: name, keyMaterial, passphrase }: ImportRequest): Promise<KeyRecord> {
    const key = await this.find(name);
    assertImportable(key);
    const read = await parseMaterial(key.keySpec, keyMaterial, passphrase);
    const version = await newVersion(key.id, read);
    return this.keys.change(key, (current) => imported(current, version), version);
  }

  async rotate(name: KeyName): Promise<KeyRecord> {
    const key = await this.find(name);
    assertRotatable(key);
    const version = await newSymmetricVersion(key.id);
    const rotation = { date: this.keys.now(), type: 'ON_DEMAND' } as const;
    return this.keys.change(key, (current) => rotated(current, version, rotation), version);
  }

  /** All keys, oldest first. */
  async list(): Promise<readonly KeyDescription[]> {
    const keys = await all(
      allRows((page) => this.keys.list(page), arnOf),
      describe,
    );
    return keys.sort((a, b) => a.creationDate.getTime() - b.creationDate.getTime());
  }

  /** All aliases, sorted by name. */
  listAliases(): Promise<readonly AliasDescription[]> {
    return all(
      allRows((page) => this.keys.listAliases(page), aliasArnOf),
      describeAlias,
    );
  }

  /** Creates a key of the options; an existing key of that name must match. */
  async #plant({ name, keyMaterial, passphrase, ...kind }: GivenKey, field: string): Promise<void> {
    const read = async () => {
      if (keyMaterial === undefined) return undefined;
      try {
        return await parseMaterial(kind.keySpec, keyMaterial, passphrase);
      } catch (error) {
        throw atOption(error, field);
      }
    };
    let material = await read();
    let key = await this.keys.load(name);
    if (key === undefined) {
      const origin = material === undefined ? 'AWS_KMS' : 'EXTERNAL';
      key = await this.#add(placeOf(name), { ...SYMMETRIC, ...kind, origin }, material);
      if (material !== undefined && materialsOf(key).includes(material.material)) return;
      // Another provider was faster: ours is destroyed, and read again to be compared.
      material = await read();
    }
    try {
      assertKind(key, kind, field);
      if (material !== undefined) await assertMaterial(key, material, field);
    } finally {
      material?.material.destroy();
    }
  }

  /**
   * Adds a key.
   *
   * @param material Changes owner. If undefined, it is generated here, unless the key is pending import.
   * @returns The key that now has this id or alias, which another provider may have added.
   */
  async #add(
    { id, alias }: Place,
    { alias: _, ...kind }: CreateKeyRequest,
    material?: NewMaterial,
  ): Promise<KeyRecord> {
    const { scope } = this.keys;
    const made =
      material ??
      (kind.origin === 'AWS_KMS' ? await makeMaterial(this.#engine, kind.keySpec) : undefined);
    const version = made && (await newVersion(id, made));
    const about = { ...kind, creationDate: this.keys.now(), tags: [], policy: undefined };
    return this.keys.add(newKey({ scope, id, version, ...about }), alias);
  }
}

/** The names under which a new key is found. */
interface Place {
  readonly id: string;
  readonly alias: string | undefined;
}

function placeOf(name: KeyName): Place {
  return isAlias(name) ? { id: newKeyId(), alias: name.alias } : { id: name.id, alias: undefined };
}

/** Describes a key in the contract's type. */
export function describe(key: KeyRecord): KeyDescription & { readonly creationDate: Date } {
  const { keySpec, keyUsage, keyState, origin, description, creationDate, deletionDate } = key;
  const version = newestVersion(key);
  return {
    keyId: arnOf(key),
    keySpec,
    keyUsage,
    keyState,
    origin,
    algorithms: encryptionAlgorithmsOf(keySpec, keyUsage),
    description,
    creationDate: new Date(creationDate),
    ...(version === undefined ? {} : { keyVersion: version.materialId }),
    ...(deletionDate === undefined ? {} : { deletionDate: new Date(deletionDate) }),
  };
}

/** Describes an alias in the contract's type. */
export function describeAlias(record: AliasRecord): AliasDescription {
  return { alias: record.alias, aliasArn: aliasArnOf(record), keyId: targetOf(record) };
}

async function all<Row, Item>(rows: AsyncIterable<Row>, of: (row: Row) => Item): Promise<Item[]> {
  const items: Item[] = [];
  for await (const row of rows) items.push(of(row));
  return items;
}

function assertKind(
  { keySpec, keyUsage }: KeyRecord,
  wanted: Pick<GivenKey, 'keySpec' | 'keyUsage'>,
  field: string,
): void {
  if (keySpec === wanted.keySpec && keyUsage === wanted.keyUsage) return;
  throw new InvalidInputError(
    field,
    `is ${wanted.keySpec} for ${wanted.keyUsage}, but the store has ${keySpec} for ${keyUsage} under that name`,
  );
}

async function assertMaterial(key: KeyRecord, wanted: NewMaterial, field: string): Promise<void> {
  const wantedId = await materialIdOf(key.id, wanted.material);
  if (key.versions.some(({ materialId }) => materialId === wantedId)) return;
  throw new InvalidInputError(
    field,
    'has key material that differs from that of the key in the store under that name',
  );
}

/** Names the option in the error: a caller of `encrypt` did not pass it. */
function atOption(error: unknown, option: string): unknown {
  if (!(error instanceof InvalidInputError)) return error;
  const problem = error.message.slice(error.field.length + 1);
  return new InvalidInputError(`${option}.${error.field}`, problem);
}
