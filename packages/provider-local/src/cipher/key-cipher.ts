import {
  type AsymmetricAlgorithm,
  type Awaitable,
  type EncryptionAlgorithm,
  type EncryptionContext,
  isAsymmetricAlgorithm,
  LIMITS,
  oaepHash,
  serializeEncryptionContext,
} from '@keywrap/core';
import { type KeyRecord, type KeyVersion, newestVersion } from '../keys/record.js';
import { type Blob, encodeBlob, MAXIMUM_HEADER_LENGTH, unopenable } from './blob.js';
import type { CryptoEngine } from './engines/index.js';
import { LoadedKeys } from './loaded-keys.js';
import { randomKeyAndNonce, randomNonce } from './random.js';

// Engines read additional data synchronously, and it is not secret: the same memory serves all calls.
const associated = new Uint8Array(MAXIMUM_HEADER_LENGTH + LIMITS.encryptionContext);

/** A ciphertext, and the version of the key that made it. */
export interface Encrypted {
  readonly ciphertext: Uint8Array;
  readonly version: KeyVersion;
}

/** A plaintext in separate memory, and the version of the key that decrypted it. */
export interface Decrypted {
  readonly plaintext: Uint8Array;
  readonly version: KeyVersion;
}

/**
 * Encrypts and decrypts under usable keys. The caller has checked the state and the usage of a key.
 */
export class KeyCipher {
  readonly engine: CryptoEngine;
  readonly loaded: LoadedKeys;

  constructor(engine: CryptoEngine) {
    this.engine = engine;
    this.loaded = new LoadedKeys(engine);
  }

  /**
   * Encrypts under the newest version of a key: synchronously under a symmetric one, whose blob authenticates
   * its header and the context.
   *
   * @throws {@link InvalidInputError} if the plaintext is too long for an RSA key.
   */
  encrypt(
    key: KeyRecord,
    request: {
      readonly algorithm: EncryptionAlgorithm;
      readonly plaintext: Uint8Array;
      readonly encryptionContext: EncryptionContext;
    },
    nonce?: Uint8Array,
  ): Awaitable<Encrypted> {
    const { algorithm, plaintext, encryptionContext } = request;
    const version = newestVersion(key) as KeyVersion;
    if (isAsymmetricAlgorithm(algorithm)) return this.#encryptRsa(key, plaintext, algorithm);
    const { aes, blobHeader } = this.loaded.symmetric(key.id, version);
    const aad = additionalData(blobHeader, encryptionContext);
    const unique = nonce ?? randomNonce();
    const sealed = aes.seal(unique, plaintext, aad);
    return { ciphertext: encodeBlob(blobHeader, unique, sealed), version };
  }

  /** Decrypts a blob under the version that it names. @throws {@link InvalidCiphertextError} */
  decryptBlob(key: KeyRecord, blob: Blob, context: EncryptionContext): Decrypted {
    const version = key.versions.find((each) => each.version === blob.materialVersion);
    if (version === undefined) throw unopenable();
    const { aes } = this.loaded.symmetric(key.id, version);
    const plaintext = aes.open(blob.nonce, blob.sealed, additionalData(blob.header, context));
    if (plaintext === undefined) throw unopenable();
    return { plaintext, version };
  }

  /** RSAES-OAEP-DECRYPT (RFC 8017 §7.1.2). @throws {@link InvalidCiphertextError} */
  async decryptRsa(
    key: KeyRecord,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Promise<Decrypted> {
    const version = newestVersion(key) as KeyVersion;
    const privateKey = await this.loaded.rsaPrivate(version);
    const plaintext = await privateKey.decrypt(ciphertext, oaepHash(algorithm));
    if (plaintext === undefined) throw unopenable();
    return { plaintext, version };
  }

  /** Generates a data key and encrypts it under a symmetric key. */
  generateDataKey(
    key: KeyRecord,
    numberOfBytes: number,
    encryptionContext: EncryptionContext,
  ): Encrypted & Decrypted {
    const { key: plaintext, nonce } = randomKeyAndNonce(numberOfBytes);
    const request = { algorithm: 'SYMMETRIC_DEFAULT', plaintext, encryptionContext } as const;
    const { ciphertext, version } = this.encrypt(key, request, nonce) as Encrypted;
    return { plaintext, ciphertext, version };
  }

  /** Releases all loaded keys. */
  close(): void {
    this.loaded.destroy();
  }

  /** RSAES-OAEP-ENCRYPT (RFC 8017 §7.1.1). */
  async #encryptRsa(
    key: KeyRecord,
    plaintext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Promise<Encrypted> {
    const version = newestVersion(key) as KeyVersion;
    const publicKey = await this.loaded.rsaPublic(version);
    return { ciphertext: await publicKey.encrypt(plaintext, oaepHash(algorithm)), version };
  }
}

/** The header contains its length, so no other header and context have the same bytes. */
function additionalData(header: Uint8Array, context: EncryptionContext): Uint8Array {
  const serialized = serializeEncryptionContext(context);
  if (serialized.length === 0) return header;
  associated.set(header);
  associated.set(serialized, header.length);
  return associated.subarray(0, header.length + serialized.length);
}
