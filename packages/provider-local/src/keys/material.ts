import { copyBytes, newSecret, ProviderClosedError, wipe } from '@keywrap/core';

const inspect = Symbol.for('nodejs.util.inspect.custom');

/** Wipes the bytes of material that nobody destroyed, because a call may have been using it, once nothing does. */
const FORGOTTEN = new FinalizationRegistry<Uint8Array>(wipe);

/**
 * The secret bytes of one key version. Neither printing nor JSON reveals them.
 *
 * A process has one object for each version of a key, as long as the key exists: what an engine has loaded
 * is found by the object, without comparing bytes.
 */
export class KeyMaterial {
  readonly #bytes: Uint8Array;
  readonly #onDestroy = new Set<() => void>();
  #isDestroyed = false;

  /** @param bytes Memory that nothing else shares (see `newSecret`); changes owner; {@link destroy} wipes it. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    FORGOTTEN.register(this, bytes, this);
  }

  /** @param length In bytes. */
  static random(length: number): KeyMaterial {
    return new KeyMaterial(crypto.getRandomValues(newSecret(length)));
  }

  /**
   * 32 bytes for a symmetric key; for HMAC as many as the hash, or up to 128 if imported; DER of PKCS#8 for RSA
   * and ECC. The caller neither keeps nor changes them.
   *
   * @throws {@link ProviderClosedError} once destroyed: zeros would be a key that everyone knows.
   */
  get bytes(): Uint8Array {
    if (this.#isDestroyed)
      throw new ProviderClosedError('this key was deleted or its store closed');
    return this.#bytes;
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** Returns an independent copy; destroy it separately. */
  copy(): KeyMaterial {
    return new KeyMaterial(copyBytes(this.bytes));
  }

  /**
   * Calls `release` when the material is destroyed, so that an engine can release what it loaded.
   *
   * @returns A function that cancels the call.
   */
  onDestroy(release: () => void): () => void {
    this.#onDestroy.add(release);
    return () => void this.#onDestroy.delete(release);
  }

  /** Wipes the bytes, and calls the release functions. */
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    wipe(this.#bytes);
    FORGOTTEN.unregister(this);
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
