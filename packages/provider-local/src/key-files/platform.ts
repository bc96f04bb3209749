import type { EccKeySpec } from '@keywrap/core';

/** The hashes of key files, under OpenSSL's names. */
export type Hash = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512' | 'sha512-256';

/** The ciphers of key files, under OpenSSL's names. RC2's effective key length is that of its key. */
export type Cipher = `aes-${128 | 192 | 256}-${'cbc' | 'gcm'}` | 'des-ede3-cbc' | LegacyCipher;

/** The ciphers that OpenSSL 3 has only in its legacy provider. */
export type LegacyCipher = 'des-cbc' | 'rc2-cbc' | 'rc4';

/** N, r and p of scrypt (RFC 7914 §2). */
export type ScryptCost = Readonly<Record<'N' | 'r' | 'p', number>>;

/**
 * The cryptography under key files. Elliptic-curve numbers out of range are an InvalidInputError for
 * `keyMaterial`; algorithms that the platform lacks are an UnsupportedOperationError.
 */
export interface Platform {
  /** Computes the public key, as an uncompressed point, of a private key as long as the order. */
  ecPublicPoint(spec: EccKeySpec, scalar: Uint8Array): Uint8Array;
  /** Returns a point in any encoding as an uncompressed one. */
  uncompressedPoint(spec: EccKeySpec, point: Uint8Array): Uint8Array;

  /** Hashes `times` times in all, each time the previous result. */
  hash(hash: Hash, data: Uint8Array, times?: number): Uint8Array;
  hmac(hash: Hash, key: Uint8Array, data: Uint8Array): Uint8Array;
  pbkdf2(hash: Hash, password: Uint8Array, salt: Uint8Array, n: number, length: number): Derived;
  scrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost, length: number): Derived;
  /** Decrypts, without PKCS#7 padding or a 16-byte GCM tag; `undefined` if one of these is wrong. */
  decrypt(cipher: Cipher, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Plaintext;
}

/** Derived off the event loop. */
export type Derived = Promise<Uint8Array>;

/** Bytes, or `undefined` for wrong padding or a wrong tag. */
export type Plaintext = Uint8Array | undefined;

/** Chooses node:crypto if the runtime has it, without an import that a bundler would resolve. */
export async function selectPlatform(): Promise<Platform> {
  const crypto = globalThis.process?.getBuiltinModule?.('node:crypto');
  if (crypto !== undefined) return (await import('./node.js')).nodePlatform(crypto);
  return (await import('./forge.js')).forgePlatform;
}
