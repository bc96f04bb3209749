import { UnsupportedOperationError } from '@keywrap/core';
import forge from '#forge';
import { forgeAes } from '../cipher/engines/forge/aes.js';
import { fromBinaryString, toBinaryString } from '../cipher/engines/forge/binary-string.js';
import { ecPublicPoint, uncompressedPoint } from '../cipher/engines/forge/ec.js';
import { decryptCbc, decryptLegacy, isLegacy } from './forge-ciphers.js';
import type { Hash, Platform } from './platform.js';

/** The hashes with WebCrypto's name and forge's code; both lack SHA-224 and SHA-512/256. */
const HASHES: Partial<Record<Hash, readonly [string, () => forge.md.MessageDigest]>> = {
  md5: ['', () => forge.md.md5.create()],
  sha1: ['SHA-1', () => forge.md.sha1.create()],
  sha256: ['SHA-256', () => forge.md.sha256.create()],
  sha384: ['SHA-384', () => forge.md.sha384.create()],
  sha512: ['SHA-512', () => forge.md.sha512.create()],
};

/** The platform of key files without node:crypto: node-forge, noble's curves and WebCrypto's PBKDF2. */
export const forgePlatform: Platform = {
  ecPublicPoint,
  uncompressedPoint,

  hash(hash, data, times = 1) {
    // The type declarations omit that a hash can be restarted.
    const md = digest(hash)[1]() as forge.md.MessageDigest & { start(): forge.md.MessageDigest };
    let binary = toBinaryString(data);
    for (let i = 0; i < times; i++) binary = md.start().update(binary).digest().getBytes();
    return fromBinaryString(binary);
  },

  hmac(hash, key, data) {
    const hmac = forge.hmac.create();
    hmac.start(digest(hash)[1](), toBinaryString(key));
    hmac.update(toBinaryString(data));
    return fromBinaryString(hmac.getMac().getBytes());
  },

  async pbkdf2(hash, password, salt, iterations, length) {
    const { subtle } = globalThis.crypto;
    const parameters = { name: 'PBKDF2', hash: digest(hash)[0], salt, iterations };
    const key = await subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
    return new Uint8Array(await subtle.deriveBits(parameters, key, 8 * length));
  },

  async scrypt() {
    throw needsNode('scrypt');
  },

  decrypt(cipher, key, iv, data) {
    if (isLegacy(cipher)) return decryptLegacy(cipher, key, iv, data);
    if (cipher.endsWith('gcm')) return forgeAes.open(key, iv, data, new Uint8Array());
    return decryptCbc(cipher === 'des-ede3-cbc' ? '3DES-CBC' : 'AES-CBC', key, iv, data);
  },
};

function digest(hash: Hash) {
  const found = HASHES[hash];
  if (found === undefined) throw needsNode(hash);
  return found;
}

function needsNode(what: string): UnsupportedOperationError {
  return new UnsupportedOperationError(
    `the key file uses ${what}, which only Node.js reads: convert it with openssl pkcs8 -topk8 -in FILE -out NEW`,
  );
}
