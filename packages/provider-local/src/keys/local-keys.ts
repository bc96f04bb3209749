import {
  type AliasDescription,
  type AliasInput,
  type ImportKeyMaterialInput,
  InvalidInputError,
  type KeyDescription,
  KeyNotFoundError,
  KeyStateError,
  parseKeyId,
} from '@keywrap/core';
import type { CryptoEngine } from '../engines/index.js';
import type { Settings } from '../options.js';
import type { NewKey } from '../read-manager-input.js';
import type { KeyRecord, MaterialVersion } from './key-record.js';
import { KeyRing } from './key-ring.js';
import type { KeyStore } from './key-store.js';
import { makeMaterial, readMaterial } from './new-key.js';
import { assertRotatable, imported, rotated } from './transitions.js';

const SYMMETRIC: NewKey = {
  keySpec: 'SYMMETRIC_DEFAULT',
  keyUsage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  description: '',
  alias: undefined,
};

/** Makes and changes the keys of one provider. The rules of a key's life are in transitions.ts. */
export class LocalKeys {
  readonly ring: KeyRing;
  readonly #engine: CryptoEngine;
  readonly #store: KeyStore;
  readonly #settings: Settings;

  constructor(engine: CryptoEngine, store: KeyStore, settings: Settings) {
    const { scope, now, createMissingKeys } = settings;
    this.#engine = engine;
    this.#store = store;
    this.#settings = settings;
    const makeMissing = (name: KeyName) => this.#ensure(name, SYMMETRIC);
    this.ring = new KeyRing(store, scope, now, createMissingKeys ? makeMissing : undefined);
  }

  /** Makes the keys of the options that the store does not have yet. */
  async prepare(): Promise<void> {
    for (const { keyId, keyMaterial, passphrase, keySpec, keyUsage } of this.#settings.keys) {
      const name = parseKeyId(keyId);
      const material =
        keyMaterial === undefined
          ? undefined
          : await readMaterial(keySpec, keyMaterial, passphrase);
      await this.#ensure(name, { ...SYMMETRIC, keySpec, keyUsage }, material);
    }
  }

  async create(key: NewKey): Promise<KeyDescription> {
    const { alias } = key;
    if (alias !== undefined) await this.#refuseTaken(alias);
    const record = await this.#add(crypto.randomUUID(), key);
    if (alias !== undefined) {
      try {
        await this.#store.changeAlias(alias, (current) => {
          if (current !== undefined) throw aliasTaken();
          return record.id;
        });
      } catch (error) {
        await this.#store.changeKey(record.id, () => undefined);
        throw error;
      }
    }
    return this.ring.describe(record);
  }

  async importMaterial(input: ImportKeyMaterialInput): Promise<KeyDescription> {
    const { keySpec } = await this.ring.find(input.keyId);
    const material = await readMaterial(keySpec, input.keyMaterial, input.passphrase);
    return this.change(input.keyId, (key) => imported(key, material));
  }

  async rotate(keyId: string): Promise<KeyDescription> {
    const key = await this.ring.find(keyId);
    assertRotatable(key);
    const material = await makeMaterial(this.#engine, key.keySpec);
    return this.change(keyId, (current) => rotated(current, material));
  }

  /** Takes a key from one state to the next. */
  async change(keyId: string, transition: (key: KeyRecord) => KeyRecord): Promise<KeyDescription> {
    const { id } = await this.ring.find(keyId);
    let next: KeyRecord | undefined;
    await this.#store.changeKey(id, (current) => {
      if (current === undefined) throw new KeyNotFoundError('the key was deleted meanwhile');
      next = transition(current);
      return next;
    });
    return this.ring.describe(next as KeyRecord);
  }

  async createAlias({ alias, keyId }: AliasInput): Promise<AliasDescription> {
    const key = await this.#aliasable(keyId);
    await this.#store.changeAlias(alias, (current) => {
      if (current !== undefined) throw aliasTaken();
      return key.id;
    });
    return this.ring.describeAlias(alias, key.id);
  }

  /** [UpdateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html) */
  async updateAlias({ alias, keyId }: AliasInput): Promise<AliasDescription> {
    const old = await this.#aliased(alias);
    const key = await this.#aliasable(keyId);
    if (old.keyUsage !== key.keyUsage || kindOf(old) !== kindOf(key)) {
      throw new InvalidInputError(
        'keyId',
        `names a key of another kind (${key.keySpec} for ${key.keyUsage}) than the alias stands for (${old.keySpec} for ${old.keyUsage})`,
      );
    }
    await this.#store.changeAlias(alias, (current) => {
      if (current === undefined) throw noSuchAlias(alias);
      return key.id;
    });
    return this.ring.describeAlias(alias, key.id);
  }

  async deleteAlias(alias: string): Promise<void> {
    await this.#store.changeAlias(alias, (current) => {
      if (current === undefined) throw noSuchAlias(alias);
      return undefined;
    });
  }

  async list(): Promise<readonly KeyDescription[]> {
    return (await this.ring.list()).map((key) => this.ring.describe(key));
  }

  async listAliases(): Promise<readonly AliasDescription[]> {
    const aliases = await this.#store.listAliases();
    return aliases.map(([alias, id]) => this.ring.describeAlias(alias, id));
  }

  /** Finds the key of this name, or makes it; when two callers do so at once, both get the same key. */
  async #ensure(name: KeyName, key: NewKey, material?: MaterialVersion): Promise<KeyRecord> {
    const store = this.#store;
    if ('id' in name) {
      return (await this.ring.findById(name.id)) ?? this.#add(name.id, key, material);
    }
    const id = await store.readAlias(name.alias);
    const found = id === undefined ? undefined : await this.ring.findById(id);
    if (found !== undefined) return found;
    const record = await this.#add(crypto.randomUUID(), key, material);
    let winner = record.id;
    await store.changeAlias(name.alias, (current) => {
      winner = current ?? record.id;
      return winner;
    });
    if (winner === record.id) return record;
    await store.changeKey(record.id, () => undefined);
    return this.#ensure(name, key, material);
  }

  /** Adds a key to the store; where one of this id is there already, it stays and is returned. */
  async #add(id: string, key: NewKey, material?: MaterialVersion): Promise<KeyRecord> {
    const { keySpec, keyUsage, origin, description } = key;
    const pending = origin === 'EXTERNAL';
    let record: KeyRecord = {
      id,
      keySpec,
      keyUsage,
      keyState: pending ? 'PendingImport' : 'Enabled',
      origin: material === undefined ? origin : 'EXTERNAL',
      description,
      creationDate: this.#settings.now(),
      materials: pending ? [] : [material ?? (await makeMaterial(this.#engine, keySpec))],
    };
    await this.#store.changeKey(id, (current) => {
      record = current ?? record;
      return record;
    });
    return record;
  }

  async #aliased(alias: string): Promise<KeyRecord> {
    const id = await this.#store.readAlias(alias);
    const key = id === undefined ? undefined : await this.ring.findById(id);
    if (key === undefined) throw noSuchAlias(alias);
    return key;
  }

  async #aliasable(keyId: string): Promise<KeyRecord> {
    const key = await this.ring.find(keyId);
    if (key.keyState === 'PendingDeletion') {
      throw new KeyStateError('a key that waits for its deletion takes no alias');
    }
    return key;
  }

  async #refuseTaken(alias: string): Promise<void> {
    if ((await this.#store.readAlias(alias)) !== undefined) throw aliasTaken();
  }
}

type KeyName = { readonly id: string } | { readonly alias: string };

function kindOf({ keySpec }: KeyRecord): string {
  if (keySpec === 'SYMMETRIC_DEFAULT') return 'symmetric';
  return keySpec.startsWith('HMAC_') ? 'HMAC' : 'asymmetric';
}

function aliasTaken(): InvalidInputError {
  return new InvalidInputError('alias', 'exists already; update it, or choose another name');
}

function noSuchAlias(alias: string): KeyNotFoundError {
  return new KeyNotFoundError('there is no such alias', { keyId: alias });
}
