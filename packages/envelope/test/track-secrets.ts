import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

type Update = (data: Uint8Array) => Buffer;

/** Where plaintext and keys of messages are in memory, as far as JavaScript can see. */
export interface Tracked extends Disposable {
  /** Plaintext that was decrypted, and every array that it, or one of the sources, was copied into. */
  readonly plaintext: ReadonlySet<Uint8Array>;
  /** The keys of AES-GCM that were used. */
  readonly keys: ReadonlySet<Uint8Array>;
}

/**
 * Tracks the engine of node:crypto.
 *
 * @param sources Plaintext that is the caller's: its copies are tracked, not itself.
 */
export function trackSecrets(...sources: readonly Uint8Array[]): Tracked {
  const plaintext = new Set<Uint8Array>();
  const keys = new Set<Uint8Array>();
  const { createCipheriv, createDecipheriv } = crypto;
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
  const { set } = typedArray;
  const isSecret = (bytes: Uint8Array) =>
    [...sources, ...plaintext].some(
      ({ buffer, byteOffset, byteLength }) =>
        bytes.buffer === buffer &&
        bytes.byteOffset >= byteOffset &&
        bytes.byteOffset < byteOffset + byteLength,
    );
  typedArray.set = function (this: Uint8Array, source: Uint8Array, offset?: number) {
    set.call(this, source, offset);
    const start = offset ?? 0;
    if (isSecret(source)) plaintext.add(this.subarray(start, start + source.length));
  };
  Object.assign(crypto, {
    createCipheriv(algorithm: 'aes-256-gcm', key: Uint8Array, iv: Uint8Array) {
      keys.add(key);
      return createCipheriv(algorithm, key, iv);
    },
    createDecipheriv(algorithm: 'aes-256-gcm', key: Uint8Array, iv: Uint8Array, options: object) {
      keys.add(key);
      const decipher = createDecipheriv(algorithm, key, iv, options);
      const update: Update = decipher.update.bind(decipher);
      return Object.assign(decipher, {
        update(data: Uint8Array) {
          const decrypted = update(data);
          plaintext.add(decrypted);
          return decrypted;
        },
      });
    },
  });
  syncBuiltinESMExports();
  return {
    plaintext,
    keys,
    [Symbol.dispose]() {
      Object.assign(crypto, { createCipheriv, createDecipheriv });
      syncBuiltinESMExports();
      typedArray.set = set;
    },
  };
}

/** Tells how many arrays there are, and whether all are zeros. */
export const wipedOf = (arrays: ReadonlySet<Uint8Array>): string => {
  const left = [...arrays].filter((bytes) => bytes.some((byte) => byte !== 0));
  return arrays.size === 0 ? 'none' : left.length === 0 ? 'wiped' : `${left.length} left`;
};
