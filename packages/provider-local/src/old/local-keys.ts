import {
  type ImportKeyMaterialInput,
  InvalidInputError,
  type KeyDescription,
  KeyNotFoundError,
  parseKeyId,
  wipe,
} from '@keywrap/core';
import type { CryptoEngine } from '../cipher/engines/index.js';
import { equalSecrets } from '../keys/equal-secrets.js';
import type { KeyRecord, MaterialVersion } from './key-record.js';
import { type KeyName, KeyRing } from './key-ring.js';
import type { KeyStore } from './key-store.js';
import type { LoadedKeys } from './loaded-keys.js';
import { aliasTaken, LocalAliases } from './local-aliases.js';
import { makeMaterial, readMaterial } from './new-key.js';
import { assertImportable, assertRotatable, imported, rotated } from './old-transitions.js';
import type { Settings } from './options.js';
import type { NewKey } from './read-manager-input.js';

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
  readonly aliases: LocalAliases;
  readonly #engine: CryptoEngine;
  readonly #store: KeyStore;
  readonly #settings: Settings;

  constructor(engine: CryptoEngine, store: KeyStore, settings: Settings, loaded: LoadedKeys) {
    const { scope, now, createMissingKeys } = settings;
    this.#engine = engine;
    this.#store = store;
    this.#settings = settings;
    const makeMissing = (name: KeyName) => this.#ensure(name, SYMMETRIC);
    this.ring = new KeyRing(store, scope, now, {
      makeMissing: createMissingKeys ? makeMissing : undefined,
      onDeleted: (id) => loaded.forget(id),
    });
    this.aliases = new LocalAliases(this.ring, store);
  }

  /** Makes the keys of the options that the store does not have yet. */
  async prepare(): Promise<void> {
    for (const [index, option] of this.#settings.keys.entries()) {
      const { keyId, keyMaterial, passphrase, keySpec, keyUsage } = option;
      const field = `options.keys[${index}]`;
      const name = parseKeyId(keyId);
      if (keyMaterial === undefined) {
        const found = await this.#ensure(name, { ...SYMMETRIC, keySpec, keyUsage });
        assertKind(found, option, field);
        continue;
      }
      let taken: MaterialVersion | undefined;
      const read = async () => {
        try {
          return await readMaterial(keySpec, keyMaterial, passphrase);
        } catch (error) {
          throw atOption(error, field);
        }
      };
      const key: NewKey = { ...SYMMETRIC, keySpec, keyUsage, origin: 'EXTERNAL' };
      const found = await this.#ensure(name, key, async () => {
        taken = await read();
        return taken;
      });
      assertKind(found, option, field);
      if (taken !== undefined && found.materials.includes(taken)) continue;
      const wanted = await read();
      try {
        assertMaterial(found, wanted, field);
      } finally {
        wipe(wanted.material);
      }
    }
  }

  async create(key: NewKey): Promise<KeyDescription> {
    const { alias } = key;
    if (alias === undefined) {
      return this.ring.describe(await this.#add(crypto.randomUUID(), key));
    }
    // Before the material is made, which may take seconds, and again when it is there.
    const isTaken = (await this.ring.findByAlias(alias)) !== undefined;
    const record = isTaken ? undefined : await this.#addNamed(alias, key);
    if (record === undefined) throw aliasTaken();
    return this.ring.describe(record);
  }

  async importMaterial(input: ImportKeyMaterialInput): Promise<KeyDescription> {
    const { keyId, keyMaterial, passphrase } = input;
    try {
      const key = await this.ring.find(keyId);
      assertImportable(key);
      const material = await readMaterial(key.keySpec, keyMaterial, passphrase);
      return await this.#give(key.id, material, (current) => imported(current, material));
    } finally {
      if (typeof keyMaterial !== 'string') wipe(keyMaterial);
    }
  }

  async rotate(keyId: string): Promise<KeyDescription> {
    const key = await this.ring.find(keyId);
    assertRotatable(key);
    const material = await makeMaterial(this.#engine, key.keySpec);
    return this.#give(key.id, material, (current) => rotated(current, material));
  }

  /** Takes a key from one state to the next. */
  async change(keyId: string, transition: Transition): Promise<KeyDescription> {
    const { id } = await this.ring.find(keyId);
    return this.ring.describe(await this.#change(id, transition));
  }

  async list(): Promise<readonly KeyDescription[]> {
    return (await this.ring.list()).map((key) => this.ring.describe(key));
  }

  /** The next record of a key must come from the record that the store has then, not from an older one. */
  async #change(id: string, transition: Transition): Promise<KeyRecord> {
    let next: KeyRecord | undefined;
    await this.#store.changeKey(id, (current) => {
      if (current === undefined) throw new KeyNotFoundError('the key was deleted meanwhile');
      next = transition(current);
      return next;
    });
    return next as KeyRecord;
  }

  /** Changes a key that is to take this material, and wipes the material where the key did not. */
  async #give(id: string, offered: MaterialVersion, transition: Transition) {
    let taken = false;
    try {
      const next = await this.#change(id, transition);
      taken = next.materials.some(({ material }) => material === offered.material);
      return this.ring.describe(next);
    } finally {
      if (!taken) wipe(offered.material);
    }
  }

  /** Finds the key of this name, or makes it; when two callers do so at once, both get the same key. */
  async #ensure(name: KeyName, key: NewKey, read?: ReadMaterial): Promise<KeyRecord> {
    if ('id' in name) {
      return (await this.ring.findById(name.id)) ?? this.#add(name.id, key, read);
    }
    for (;;) {
      const { alias } = name;
      const found =
        (await this.ring.findByAlias(alias)) ?? (await this.#addNamed(alias, key, read));
      if (found !== undefined) return found;
    }
  }

  /** Adds a key and its alias, or neither and gives `undefined`: when another key took the alias meanwhile. */
  async #addNamed(alias: string, key: NewKey, read?: ReadMaterial): Promise<KeyRecord | undefined> {
    const record = await this.#add(crypto.randomUUID(), key, read);
    let claimed = false;
    try {
      claimed = await this.aliases.claim(alias, record.id);
    } finally {
      if (!claimed) await this.#store.changeKey(record.id, () => undefined);
    }
    return claimed ? record : undefined;
  }

  /** Adds a key to the store; where one of this id is there already, it stays and is returned. */
  async #add(id: string, key: NewKey, read?: ReadMaterial): Promise<KeyRecord> {
    const { keySpec, keyUsage, origin, description } = key;
    const pending = origin === 'EXTERNAL' && read === undefined;
    const make = read ?? (() => makeMaterial(this.#engine, keySpec));
    const record: KeyRecord = {
      id,
      keySpec,
      keyUsage,
      keyState: pending ? 'PendingImport' : 'Enabled',
      origin,
      description,
      creationDate: this.#settings.now(),
      materials: pending ? [] : [await make()],
    };
    let kept = record;
    let isDone = false;
    try {
      await this.#store.changeKey(id, (current) => {
        kept = current ?? record;
        return kept;
      });
      isDone = true;
      return kept;
    } finally {
      if (!isDone || kept !== record) for (const { material } of record.materials) wipe(material);
    }
  }
}

type Transition = (key: KeyRecord) => KeyRecord;

/** Reads material anew each time, because the store wipes that of a key which it does not keep. */
type ReadMaterial = () => Promise<MaterialVersion>;

/** The key of the options that the store had already must be the one that is meant. */
function assertKind(
  { keySpec, keyUsage }: KeyRecord,
  wanted: Pick<KeyRecord, 'keySpec' | 'keyUsage'>,
  option: string,
): void {
  if (keySpec === wanted.keySpec && keyUsage === wanted.keyUsage) return;
  throw new InvalidInputError(
    option,
    `is ${wanted.keySpec} for ${wanted.keyUsage}, but the store has ${keySpec} for ${keyUsage} under that name`,
  );
}

function assertMaterial({ materials }: KeyRecord, wanted: MaterialVersion, option: string): void {
  const has = materials.some(({ material }) => equalSecrets(material, wanted.material));
  if (has) return;
  throw new InvalidInputError(
    option,
    'has other key material than the key that the store has under that name',
  );
}

/** A caller of `encrypt` must be told that it is an option of the provider that is wrong. */
function atOption(error: unknown, option: string): unknown {
  if (!(error instanceof InvalidInputError)) return error;
  const problem = error.message.slice(error.field.length + 1);
  return new InvalidInputError(`${option}.${error.field}`, problem);
}
