import type { KeyMaterial } from '../keys/material.js';
import type { KeyVersion } from '../keys/record.js';
import { encodeBlobHeader } from './blob.js';
import type { AesKey, CryptoEngine, RsaPrivateKey, RsaPublicKey } from './engines/index.js';

/** A symmetric key, ready to use. */
export interface LoadedAes {
  readonly aes: AesKey;
  /** What every blob of this version begins with. */
  readonly blobHeader: Uint8Array;
}

/** What the engine made of one version of a key, as far as it was needed. */
interface Loaded {
  symmetric: LoadedAes | undefined;
  rsaPrivate: Promise<RsaPrivateKey> | undefined;
  rsaPublic: Promise<RsaPublicKey> | undefined;
  readonly cancel: () => void;
}

/**
 * Key versions, loaded into the engine once and kept for the next use, until their material is destroyed or
 * this is. A store has one object for the material of a version, so nothing compares secrets here.
 */
export class LoadedKeys {
  readonly #engine: CryptoEngine;
  readonly #loaded = new Map<KeyMaterial, Loaded>();

  constructor(engine: CryptoEngine) {
    this.#engine = engine;
  }

  /** @param keyId The id of the key that has this version. */
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

  /** How many versions are loaded. */
  get size(): number {
    return this.#loaded.size;
  }

  /** Releases everything, and wipes what can be wiped. */
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
      () => {}, // It was never loaded; whoever asked for it was told.
    );
  }
}
