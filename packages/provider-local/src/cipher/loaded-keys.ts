import type { KeyMaterial } from '../keys/material.js';
import type { KeyVersion } from '../keys/record.js';
import { encodeBlobHeader } from './blob.js';
import type { AesKey, CryptoEngine, RsaPrivateKey, RsaPublicKey } from './engines/index.js';

/** A symmetric key, ready to use. */
export interface LoadedAes {
  readonly aes: AesKey;
  /** The header of every blob of this version. */
  readonly blobHeader: Uint8Array;
}

/** The engine's objects for one version of a key, each loaded when needed. */
interface Loaded {
  symmetric: LoadedAes | undefined;
  rsaPrivate: Promise<RsaPrivateKey> | undefined;
  rsaPublic: Promise<RsaPublicKey> | undefined;
  readonly cancel: () => void;
}

/** As many as a store has records in memory, by default: those of records that it forgot are released in turn. */
const LIMIT = 10_000;

/**
 * Caches key versions that are loaded into the engine, until their material or the cache is destroyed, or many
 * others were loaded. A store has one object for the material of a version, so no secrets are compared here.
 */
export class LoadedKeys {
  readonly #engine: CryptoEngine;
  readonly #limit: number;
  readonly #loaded = new Map<KeyMaterial, Loaded>();

  /** @param limit The number of versions to keep. */
  constructor(engine: CryptoEngine, limit = LIMIT) {
    this.#engine = engine;
    this.#limit = limit;
  }

  /** @param keyId The id of the key with this version. */
  symmetric(keyId: string, version: KeyVersion): LoadedAes {
    const material = version.material as KeyMaterial;
    const { bytes } = material;
    const loaded = this.#of(material);
    loaded.symmetric ??= {
      aes: this.#engine.loadAesKey(bytes),
      blobHeader: encodeBlobHeader({ keyId, materialVersion: version.version }),
    };
    return loaded.symmetric;
  }

  rsaPrivate({ material }: KeyVersion): Promise<RsaPrivateKey> {
    const { bytes } = material as KeyMaterial;
    const loaded = this.#of(material as KeyMaterial);
    loaded.rsaPrivate ??= this.#engine.loadRsaPrivateKey(bytes);
    return loaded.rsaPrivate;
  }

  rsaPublic({ material, publicKey }: KeyVersion): Promise<RsaPublicKey> {
    const loaded = this.#of(material as KeyMaterial);
    loaded.rsaPublic ??= this.#engine.loadRsaPublicKey(publicKey as Uint8Array);
    return loaded.rsaPublic;
  }

  /** The number of loaded versions. */
  get size(): number {
    return this.#loaded.size;
  }

  /** Releases everything, and wipes memory that can be wiped. */
  destroy(): void {
    for (const [material, { cancel }] of this.#loaded) {
      cancel();
      this.#release(material);
    }
  }

  #of(material: KeyMaterial): Loaded {
    let loaded = this.#loaded.get(material);
    if (loaded === undefined) {
      if (this.#loaded.size >= this.#limit) this.#releaseOldest();
      loaded = {
        symmetric: undefined,
        rsaPrivate: undefined,
        rsaPublic: undefined,
        cancel: material.onDestroy(() => this.#release(material)),
      };
      this.#loaded.set(material, loaded);
    }
    return loaded;
  }

  /** Symmetric keys are used where they are looked up; a call may be waiting with an RSA key. */
  #releaseOldest(): void {
    for (const [material, { cancel, symmetric }] of this.#loaded) {
      cancel();
      this.#loaded.delete(material);
      symmetric?.aes.destroy();
      return;
    }
  }

  #release(material: KeyMaterial): void {
    const loaded = this.#loaded.get(material);
    this.#loaded.delete(material);
    loaded?.symmetric?.aes.destroy();
    loaded?.rsaPrivate?.then(
      (key) => key.destroy(),
      () => {}, // It was never loaded; its caller has the error.
    );
  }
}
