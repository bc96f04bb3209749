import type { AesKey, CryptoEngine, RsaPrivateKey, RsaPublicKey } from '../engines/index.js';
import type { MaterialVersion } from './key-record.js';

/** Key material, loaded into the engine once and kept for the next use. */
export class LoadedKeys {
  readonly #engine: CryptoEngine;
  readonly #aes = new Map<MaterialVersion, AesKey>();
  readonly #rsaPrivate = new Map<MaterialVersion, Promise<RsaPrivateKey>>();
  readonly #rsaPublic = new Map<MaterialVersion, Promise<RsaPublicKey>>();

  constructor(engine: CryptoEngine) {
    this.#engine = engine;
  }

  aes(version: MaterialVersion): AesKey {
    return remember(this.#aes, version, () => this.#engine.loadAesKey(version.material));
  }

  rsaPrivate(version: MaterialVersion): Promise<RsaPrivateKey> {
    return remember(this.#rsaPrivate, version, () =>
      this.#engine.loadRsaPrivateKey(version.material),
    );
  }

  rsaPublic(version: MaterialVersion): Promise<RsaPublicKey> {
    return remember(this.#rsaPublic, version, () =>
      this.#engine.loadRsaPublicKey(version.publicKey as Uint8Array),
    );
  }

  /** Lets go of everything that was loaded, and wipes what can be wiped. */
  async destroy(): Promise<void> {
    for (const key of this.#aes.values()) key.destroy();
    for (const key of await Promise.all(this.#rsaPrivate.values())) key.destroy();
    this.#aes.clear();
    this.#rsaPrivate.clear();
    this.#rsaPublic.clear();
  }
}

function remember<Key, Value>(map: Map<Key, Value>, key: Key, load: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = load();
    map.set(key, value);
  }
  return value;
}
