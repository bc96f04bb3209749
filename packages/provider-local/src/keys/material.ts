import { copyBytes, newSecret, ProviderClosedError, wipe } from '@keywrap/core';
import { equalSecrets } from './equal-secrets.js';

const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * The secret bytes of one key version. Printing it, or writing it as JSON, shows nothing of them.
 *
 * One object stands for one version of a key in a process, as long as the key is there: what an engine
 * loads is kept by this object, so that nothing has to compare bytes to know whether it is still the
 * same.
 */
export class KeyMaterial {
  readonly #bytes: Uint8Array;
  readonly #onDestroy = new Set<() => void>();
  #isDestroyed = false;

  /** @param bytes Memory of its own (see `newSecret`); it changes owner, and is wiped by {@link destroy}. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param length In bytes. */
  static random(length: number): KeyMaterial {
    return new KeyMaterial(crypto.getRandomValues(newSecret(length)));
  }

  /**
   * 32 bytes for a symmetric key, as many as the hash for HMAC, DER of PKCS#8 for RSA and ECC. Neither
   * kept nor changed by whoever reads them.
   *
   * @throws {@link ProviderClosedError} once destroyed: zeros would encrypt under a key that everybody knows.
   */
  get bytes(): Uint8Array {
    if (this.#isDestroyed)
      throw new ProviderClosedError('this key was deleted or its store closed');
    return this.#bytes;
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** Compares in the same time wherever the bytes differ. */
  equals({ bytes }: KeyMaterial): boolean {
    return equalSecrets(this.bytes, bytes);
  }

  /** Returns an independent copy; destroy it separately. */
  copy(): KeyMaterial {
    return new KeyMaterial(copyBytes(this.bytes));
  }

  /**
   * Calls `release` when the material is destroyed: for what an engine made of it.
   *
   * @returns Cancels that.
   */
  onDestroy(release: () => void): () => void {
    this.#onDestroy.add(release);
    return () => void this.#onDestroy.delete(release);
  }

  /** Wipes the bytes, and releases what was made of them. */
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    wipe(this.#bytes);
    for (const release of this.#onDestroy) release();
    this.#onDestroy.clear();
  }

  toJSON(): undefined {
    return undefined;
  }

  [inspect](): string {
    return `[${this.#bytes.length} secret bytes]`;
  }
}
