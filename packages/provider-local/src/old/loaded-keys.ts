import { encodeBlobHeader } from '../cipher/blob.js';
import type { AesKey, CryptoEngine, RsaPrivateKey, RsaPublicKey } from '../cipher/engines/index.js';
import { equalSecrets } from '../keys/equal-secrets.js';
import type { MaterialVersion } from './key-record.js';

/** What the engine made of one generation of a key's material, as far as it was needed. */
interface Loaded {
  readonly from: MaterialVersion;
  aes: AesKey | undefined;
  blobHeader: Uint8Array | undefined;
  rsaPrivate: Promise<RsaPrivateKey> | undefined;
  rsaPublic: Promise<RsaPublicKey> | undefined;
}

/**
 * Key material, loaded into the engine once and kept for the next use, until the key is deleted or the
 * provider closed.
 *
 * A store may give a new record at every read, so what is kept is found by the key's id and the version.
 * A key may be deleted and another made under its id, so the material is compared.
 */
export class LoadedKeys {
  readonly #engine: CryptoEngine;
  readonly #loaded = new Map<string, Map<number, Loaded>>();

  constructor(engine: CryptoEngine) {
    this.#engine = engine;
  }

  aes(id: string, version: MaterialVersion): AesKey {
    const loaded = this.#find(id, version);
    loaded.aes ??= this.#engine.loadAesKey(version.material);
    return loaded.aes;
  }

  /** What every blob of this material begins with. */
  blobHeader(id: string, version: MaterialVersion): Uint8Array {
    const loaded = this.#find(id, version);
    loaded.blobHeader ??= encodeBlobHeader({ keyId: id, materialVersion: version.version });
    return loaded.blobHeader;
  }

  rsaPrivate(id: string, version: MaterialVersion): Promise<RsaPrivateKey> {
    const loaded = this.#find(id, version);
    loaded.rsaPrivate ??= this.#engine.loadRsaPrivateKey(version.material);
    return loaded.rsaPrivate;
  }

  rsaPublic(id: string, version: MaterialVersion): Promise<RsaPublicKey> {
    const loaded = this.#find(id, version);
    loaded.rsaPublic ??= this.#engine.loadRsaPublicKey(version.publicKey as Uint8Array);
    return loaded.rsaPublic;
  }

  /** Lets go of what was loaded of a key, and wipes what can be wiped. */
  forget(id: string): void {
    const versions = this.#loaded.get(id);
    this.#loaded.delete(id);
    for (const loaded of versions?.values() ?? []) release(loaded);
  }

  /** Lets go of everything that was loaded. */
  destroy(): void {
    for (const id of [...this.#loaded.keys()]) this.forget(id);
  }

  #find(id: string, from: MaterialVersion): Loaded {
    let versions = this.#loaded.get(id);
    if (versions === undefined) {
      versions = new Map();
      this.#loaded.set(id, versions);
    }
    let loaded = versions.get(from.version);
    if (loaded === undefined || !isSame(loaded.from, from)) {
      if (loaded !== undefined) release(loaded);
      // Every field is there: a polluted Object.prototype would lend a key that is not this one.
      loaded = {
        from,
        aes: undefined,
        blobHeader: undefined,
        rsaPrivate: undefined,
        rsaPublic: undefined,
      };
      versions.set(from.version, loaded);
    }
    return loaded;
  }
}

function isSame(a: MaterialVersion, b: MaterialVersion): boolean {
  return a === b || equalSecrets(a.material, b.material);
}

function release({ aes, rsaPrivate }: Loaded): void {
  aes?.destroy();
  rsaPrivate?.then(
    (key) => key.destroy(),
    () => {}, // it never was loaded; whoever asked for it was told
  );
}
