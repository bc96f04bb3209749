import type { DataKeyPairSpec, OaepHash } from '@keywrap/core';

/**
 * A loaded XAES-256-GCM key ([C2SP](https://c2sp.org/XAES-256-GCM)). Values that depend only on the key are
 * computed once, when it is loaded.
 */
export interface AesKey {
  /**
   * Encrypts and authenticates.
   *
   * @param nonce 24 random bytes, never the same twice under one key.
   * @param plaintext Any length, in bytes.
   * @param aad Authenticated with the plaintext, but not part of the result.
   * @returns The ciphertext, as long as the plaintext, followed by the 16-byte tag.
   * @throws ProviderClosedError after {@link destroy}.
   */
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array;

  /**
   * Authenticates and decrypts the result of {@link seal}.
   *
   * @returns The plaintext, or `undefined` if anything was changed.
   * @throws ProviderClosedError after {@link destroy}.
   */
  open(nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array | undefined;

  /** Wipes the memory of this object, which can't be used afterwards. The caller owns the loaded material. */
  destroy(): void;
}

/** A loaded RSA private key. */
export interface RsaPrivateKey {
  /** The length of the modulus in bytes: `k` in RFC 8017. */
  readonly modulusLength: number;

  /**
   * RSAES-OAEP-DECRYPT with an empty label (RFC 8017 §7.1.2).
   *
   * @param ciphertext Must not change before the promise settles.
   * @returns The message, or `undefined` for every kind of failure: a wrong length, a number that is
   *   out of range, padding. They are indistinguishable (RFC 8017 §7.1.2, note after step 4).
   * @throws ProviderClosedError after {@link destroy}.
   */
  decrypt(ciphertext: Uint8Array, hash: OaepHash): Promise<Uint8Array | undefined>;

  /** Releases the key; running calls still finish. */
  destroy(): void;
}

/** A loaded RSA public key. */
export interface RsaPublicKey {
  /** The length of the modulus in bytes: `k` in RFC 8017. */
  readonly modulusLength: number;

  /**
   * RSAES-OAEP-ENCRYPT with an empty label (RFC 8017 §7.1.1).
   *
   * @param plaintext At most `k - 2 * hLen - 2` bytes; must not change before the promise settles.
   * @returns The ciphertext, `k` bytes.
   * @throws InvalidInputError for `plaintext` if it is too long.
   */
  encrypt(plaintext: Uint8Array, hash: OaepHash): Promise<Uint8Array>;
}

/** A key pair in the encodings that AWS KMS returns. */
export interface EncodedKeyPair {
  /** SubjectPublicKeyInfo, DER (RFC 5280 §4.1). */
  readonly publicKey: Uint8Array;
  /** PrivateKeyInfo, DER (PKCS#8, RFC 5958). */
  readonly privateKey: Uint8Array;
}

/**
 * The cryptography under the local provider. There are two engines; each opens what the other seals.
 *
 * Inputs are never changed. Every returned array owns its memory: `byteOffset` is 0 and
 * `buffer.byteLength` is the length.
 */
export interface CryptoEngine {
  /** `node`: node:crypto, which is OpenSSL. `forge`: node-forge, which is JavaScript. */
  readonly name: 'node' | 'forge';

  /**
   * Loads a symmetric key.
   *
   * @param material 32 bytes; copied if needed.
   * @throws InvalidInputError for `keyMaterial` if it is not 32 bytes.
   */
  loadAesKey(material: Uint8Array): AesKey;

  /**
   * Loads an RSA private key.
   *
   * @param pkcs8 PrivateKeyInfo, DER.
   * @throws InvalidInputError for `keyMaterial` if it is not an RSA private key.
   */
  loadRsaPrivateKey(pkcs8: Uint8Array): Promise<RsaPrivateKey>;

  /**
   * Loads an RSA public key.
   *
   * @param spki SubjectPublicKeyInfo, DER.
   * @throws InvalidInputError for `keyMaterial` if it is not an RSA public key.
   */
  loadRsaPublicKey(spki: Uint8Array): Promise<RsaPublicKey>;

  /** Generates a key pair; RSA keys have the public exponent 65537. */
  generateKeyPair(spec: DataKeyPairSpec): Promise<EncodedKeyPair>;
}
