import { wipe } from '@keywrap/core';
import { COMMIT_KEY_LENGTH, type Curve, type Hash } from '../format/algorithm-suite.js';
import { COMMIT_KEY_INFO, encryptionKeyInputs, type HkdfInputs } from '../format/key-derivation.js';
import type { Engine, MessageKey } from './engine.js';

/**
 * The engine on Web Crypto. Signatures are noble's: Web Crypto can neither hash a message in parts, so that a stream
 * would be held in memory, nor read the compressed points and the DER of the format.
 */
export const engine: Engine = {
  async deriveKeys(suite, dataKey, messageId) {
    if (suite.hash === undefined) return { key: await loadKey(dataKey), commitKey: undefined };
    const keyMaterial = await crypto.subtle.importKey('raw', dataKey, 'HKDF', false, [
      'deriveBits',
    ]);
    const derive = ({ salt, info }: HkdfInputs, length: number) =>
      crypto.subtle.deriveBits(
        { name: 'HKDF', hash: suite.hash as Hash, salt: salt, info: info },
        keyMaterial,
        length * 8,
      );
    const commitKey = suite.commits
      ? new Uint8Array(await derive({ salt: messageId, info: COMMIT_KEY_INFO }, COMMIT_KEY_LENGTH))
      : undefined;
    const derived = new Uint8Array(
      await derive(encryptionKeyInputs(suite, messageId), suite.keyLength),
    );
    const key = await loadKey(derived);
    wipe(derived);
    return { key, commitKey };
  },

  async createSigner(curve) {
    const { ecdsa, hash, options } = await loadCurve(curve);
    const { secretKey, publicKey } = ecdsa.keygen();
    const digest = hash.create();
    return {
      publicKey,
      update: (part) => void digest.update(part),
      sign() {
        const signature = ecdsa.sign(digest.digest(), secretKey, options);
        wipe(secretKey);
        return signature;
      },
    };
  },

  async createVerifier(curve, publicKey) {
    const { ecdsa, hash, options } = await loadCurve(curve);
    // Isn't a point of the curve, or isn't compressed.
    if (publicKey.length !== ecdsa.lengths.publicKey || !ecdsa.utils.isValidPublicKey(publicKey)) {
      return undefined;
    }
    const digest = hash.create();
    return {
      update: (part) => void digest.update(part),
      verify(signature) {
        try {
          return ecdsa.verify(signature, digest.digest(), publicKey, options);
        } catch {
          return false; // not DER
        }
      },
    };
  },

  isEqual(a, b) {
    if (a.length !== b.length) return false;
    let difference = 0;
    for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
    return difference === 0;
  },

  hash: async (dataKey) => new Uint8Array(await crypto.subtle.digest('SHA-256', dataKey)),
};

/** Loaded with the first signature: messages are seldom signed, and noble needs a TextEncoder to load, which jsdom lacks. */
async function loadCurve(curve: Curve) {
  const { CURVES } = await import('./web-curves.js');
  return CURVES[curve];
}

async function loadKey(bytes: Uint8Array): Promise<MessageKey> {
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  const parameters = (iv: Uint8Array, aad: Uint8Array) => ({
    name: 'AES-GCM',
    iv: iv,
    additionalData: aad,
  });
  return {
    async seal(iv, aad, plaintext, target) {
      const sealed = await crypto.subtle.encrypt(parameters(iv, aad), key, plaintext);
      target.set(new Uint8Array(sealed));
    },
    async open(iv, aad, sealed) {
      try {
        return new Uint8Array(await crypto.subtle.decrypt(parameters(iv, aad), key, sealed));
      } catch {
        return undefined;
      }
    },
    // Can't be read, so it can't be wiped either.
    wipe() {},
  };
}
