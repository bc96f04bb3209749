import {
  type AsymmetricAlgorithm,
  type EncryptionContext,
  InvalidInputError,
  LIMITS,
  maximumPlaintextLength,
  type RsaKeySpec,
  serializeEncryptionContext,
} from '@keywrap/core';
import { type KeyRecord, type KeyVersion, newestVersion } from '../keys/record.js';
import { type Blob, encodeBlob, MAXIMUM_HEADER_LENGTH, unopenable } from './blob.js';
import type { CryptoEngine, OaepHash } from './engines/index.js';
import { LoadedKeys } from './loaded-keys.js';
import { randomNonce } from './random.js';

// Engines read additional data at once, and it is not secret: the same memory serves all calls.
const associated = new Uint8Array(MAXIMUM_HEADER_LENGTH + LIMITS.encryptionContext);

const OAEP_HASH = {
  RSAES_OAEP_SHA_1: 'SHA-1',
  RSAES_OAEP_SHA_256: 'SHA-256',
} as const satisfies Record<AsymmetricAlgorithm, OaepHash>;

/** Encrypts and decrypts under keys that were found and may be used: nothing here looks at states or usages. */
export class KeyCipher {
  readonly engine: CryptoEngine;
  readonly loaded: LoadedKeys;

  constructor(engine: CryptoEngine) {
    this.engine = engine;
    this.loaded = new LoadedKeys(engine);
  }

  /** Encrypts under the newest version of a symmetric key; the blob's header and the context are authenticated. */
  seal(
    key: KeyRecord,
    plaintext: Uint8Array,
    context: EncryptionContext,
    nonce = randomNonce(),
  ): Uint8Array {
    const { aes, blobHeader } = this.loaded.symmetric(key.id, newestVersion(key) as KeyVersion);
    const sealed = aes.seal(nonce, plaintext, additionalData(blobHeader, context));
    return encodeBlob(blobHeader, nonce, sealed);
  }

  /** Decrypts with the version that the blob names. @throws {@link InvalidCiphertextError} */
  open(key: KeyRecord, blob: Blob, context: EncryptionContext): Uint8Array {
    const version = key.versions.find(({ version }) => version === blob.materialVersion);
    if (version === undefined) throw unopenable();
    const { aes } = this.loaded.symmetric(key.id, version);
    const plaintext = aes.open(blob.nonce, blob.sealed, additionalData(blob.header, context));
    if (plaintext === undefined) throw unopenable();
    return plaintext;
  }

  /** RSAES-OAEP. @throws {@link InvalidInputError} when the plaintext is too long for the key. */
  async encryptRsa(
    key: KeyRecord,
    plaintext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Promise<Uint8Array> {
    const maximum = maximumPlaintextLength(algorithm, key.keySpec as RsaKeySpec);
    if (plaintext.length > maximum) {
      throw new InvalidInputError(
        'plaintext',
        `must have at most ${maximum} bytes for ${key.keySpec} and ${algorithm}; it has ${plaintext.length}`,
      );
    }
    const publicKey = await this.loaded.rsaPublic(newestVersion(key) as KeyVersion);
    return publicKey.encrypt(plaintext, OAEP_HASH[algorithm]);
  }

  /** RSAES-OAEP. @throws {@link InvalidCiphertextError} */
  async decryptRsa(
    key: KeyRecord,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Promise<Uint8Array> {
    const privateKey = await this.loaded.rsaPrivate(newestVersion(key) as KeyVersion);
    const plaintext = await privateKey.decrypt(ciphertext, OAEP_HASH[algorithm]);
    if (plaintext === undefined) throw unopenable();
    return plaintext;
  }
}

/** The header says how long it is, so no other header and context give the same bytes. */
function additionalData(header: Uint8Array, context: EncryptionContext): Uint8Array {
  const serialized = serializeEncryptionContext(context);
  if (serialized.length === 0) return header;
  associated.set(header);
  associated.set(serialized, header.length);
  return associated.subarray(0, header.length + serialized.length);
}
