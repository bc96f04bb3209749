import type { DecipherGCM } from 'node:crypto';
import { type EccKeySpec, ownSecret, UnsupportedOperationError, wipe } from '@keywrap/core';
import { parsing } from '../cipher/engines/forge/der.js';
import { CURVE_NAMES } from '../cipher/engines/node-curves.js';
import { decryptLegacy, isLegacy } from './forge-ciphers.js';
import type { Platform } from './platform.js';

/** The platform of key files on node:crypto; node-forge has the ciphers of OpenSSL's legacy provider. */
export function nodePlatform(crypto: typeof import('node:crypto')): Platform {
  function ecdhOn(spec: EccKeySpec) {
    try {
      return crypto.createECDH(CURVE_NAMES[spec]);
    } catch (cause) {
      // Bun's BoringSSL has no secp256k1, and Deno no Diffie-Hellman on P-521.
      throw new UnsupportedOperationError(
        `node:crypto of this runtime can't compute with keys on the curve ${CURVE_NAMES[spec]}`,
        { cause },
      );
    }
  }

  return {
    // Not KeyObject: its export as a JSON Web Key aborts the process if a scalar is too long (Node.js 20.20).
    ecPublicPoint(spec, scalar) {
      const ecdh = ecdhOn(spec);
      parsing(() => ecdh.setPrivateKey(scalar));
      return ecdh.getPublicKey();
    },

    uncompressedPoint(spec, point) {
      ecdhOn(spec);
      const curve = CURVE_NAMES[spec];
      const convert = () =>
        crypto.ECDH.convertKey(point, curve, undefined, undefined, 'uncompressed') as Buffer;
      return parsing(convert);
    },

    hash(hash, data, times = 1) {
      let digest = crypto.hash(hash, data, 'buffer');
      for (let i = 1; i < times; i++) digest = crypto.hash(hash, digest, 'buffer');
      return digest;
    },

    hmac: (hash, key, data) => crypto.createHmac(hash, key).update(data).digest(),

    pbkdf2: (hash, password, salt, n, length) =>
      settled((done) => crypto.pbkdf2(password, salt, n, length, hash, done)),

    scrypt: (password, salt, cost, length) =>
      settled((done) =>
        crypto.scrypt(password, salt, length, { ...cost, maxmem: 2 ** 31 - 1 }, done),
      ),

    decrypt(cipher, key, iv, data) {
      if (isLegacy(cipher)) return decryptLegacy(cipher, key, iv, data);
      const decipher = crypto.createDecipheriv(cipher, key, iv) as DecipherGCM;
      const end = cipher.endsWith('gcm') ? data.length - 16 : data.length;
      const parts: Uint8Array[] = [];
      try {
        if (end < data.length) decipher.setAuthTag(data.subarray(end));
        parts.push(decipher.update(data.subarray(0, end)), decipher.final());
        return ownSecret(Buffer.concat(parts));
      } catch {
        return undefined;
      } finally {
        parts.forEach(wipe);
      }
    },
  };
}

type Done = (error: Error | null, derived: Uint8Array) => void;

function settled(start: (done: Done) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) =>
    start((error, derived) => (error ? reject(error) : resolve(derived))),
  );
}
