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

/**
 * Caches key versions that are loaded into the engine, until their material or the cache is destroyed. A store
 * has one object for the material of a version, so no secrets are compared here.
 */
export class LoadedKeys {
  readonly #engine: CryptoEngine;
  readonly #loaded = new Map<KeyMaterial, Loaded>();

  constructor(engine: CryptoEngine) {
    this.#engine = engine;
  }

  /** @param keyId The id of the key with this version. */
  symmetric(keyId: string, version: KeyVersion): LoadedAes {
    const material = version.material as KeyMaterial;
    const loaded = this.#of(material);
    loaded.symmetric ??= {
      aes: this.#engine.loadAesKey(material.bytes),
      blobHeader: encodeBlobHeader({ keyId, materialVersion: version.version }),
    };
    return loaded.symmetric;
  }

  rsaPrivate({ material }: KeyVersion): Promise<RsaPrivateKey> {
    const loaded = this.#of(material as KeyMaterial);
    loaded.rsaPrivate ??= this.#engine.loadRsaPrivateKey((material as KeyMaterial).bytes);
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
