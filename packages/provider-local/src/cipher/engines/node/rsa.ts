import { createPrivateKey, createPublicKey, type KeyObject, webcrypto } from 'node:crypto';
import { InvalidInputError, type OaepHash, ProviderClosedError } from '@keywrap/core';
import type { RsaPrivateKey, RsaPublicKey } from '../engine.js';
import { assertFitsOaep } from '../oaep-limits.js';

/**
 * Loads an RSA private key into OpenSSL. Decryption uses WebCrypto, which runs on the thread pool;
 * node:crypto's `privateDecrypt` would block the event loop.
 *
 * @param pkcs8 PrivateKeyInfo, DER.
 * @throws InvalidInputError for `keyMaterial` if it is not an RSA private key.
 */
export function loadRsaPrivateKey(pkcs8: Uint8Array): RsaPrivateKey {
  let key: KeyObject | undefined = rsaKey(() =>
    createPrivateKey({ key: asBuffer(pkcs8), format: 'der', type: 'pkcs8' }),
  );
  const forHash = importOnce((hash) => {
    if (key === undefined) throw new ProviderClosedError('The key was destroyed.');
    const der = key.export({ format: 'der', type: 'pkcs8' });
    return webcrypto.subtle
      .importKey('pkcs8', der, { name: 'RSA-OAEP', hash }, false, ['decrypt'])
      .finally(() => der.fill(0));
  });
  return {
    modulusLength: modulusLength(key),
    async decrypt(ciphertext, hash) {
      if (key === undefined) throw new ProviderClosedError('The key was destroyed.');
      // RFC 8017 §7.1.2 step 1b; OpenSSL takes a shorter one as the same number.
      if (ciphertext.length !== this.modulusLength) return undefined;
      const privateKey = await forHash.get(hash);
      return webcrypto.subtle.decrypt({ name: 'RSA-OAEP' }, privateKey, ciphertext).then(
        (message) => new Uint8Array(message),
        () => undefined,
      );
    },
    // OpenSSL wipes its memory when the last reference to a key has been collected.
    destroy() {
      key = undefined;
      forHash.clear();
    },
  };
}

/**
 * Loads an RSA public key into OpenSSL.
 *
 * @param spki SubjectPublicKeyInfo, DER.
 * @throws InvalidInputError for `keyMaterial` if it is not an RSA public key.
 */
export function loadRsaPublicKey(spki: Uint8Array): RsaPublicKey {
  const key = rsaKey(() => createPublicKey({ key: asBuffer(spki), format: 'der', type: 'spki' }));
  const forHash = importOnce((hash) =>
    webcrypto.subtle.importKey(
      'spki',
      key.export({ format: 'der', type: 'spki' }),
      { name: 'RSA-OAEP', hash },
      false,
      ['encrypt'],
    ),
  );
  return {
    modulusLength: modulusLength(key),
    async encrypt(plaintext, hash) {
      assertFitsOaep(plaintext.length, this.modulusLength, hash);
      const publicKey = await forHash.get(hash);
      return new Uint8Array(
        await webcrypto.subtle.encrypt({ name: 'RSA-OAEP' }, publicKey, plaintext),
      );
    },
  };
}

/** A WebCrypto key is for one hash, so one is imported for each hash that is used, once. */
function importOnce(importFor: (hash: OaepHash) => Promise<webcrypto.CryptoKey>) {
  const imported = new Map<OaepHash, Promise<webcrypto.CryptoKey>>();
  return {
    get(hash: OaepHash): Promise<webcrypto.CryptoKey> {
      const key = imported.get(hash) ?? importFor(hash);
      imported.set(hash, key);
      return key;
    },
    clear: () => imported.clear(),
  };
}

function rsaKey(create: () => KeyObject): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = create();
  } catch {
    // OpenSSL's reasons do not help, and might quote the key.
  }
  if (key?.asymmetricKeyType !== 'rsa') {
    throw new InvalidInputError('keyMaterial', 'is not an RSA key');
  }
  return key;
}

function modulusLength(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}

/** node:crypto's key functions need a Buffer; this is a view of the same memory. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
