import { isRsaKeySpec, type RsaKeySpec, rsaModulusLength } from '@keywrap/core';
import forge from '#forge';
import { Xaes256GcmKey } from '../xaes-256-gcm.js';
import type { CryptoEngine, EncodedKeyPair } from './engine.js';
import { forgeAes } from './forge/aes.js';
import { derBytes } from './forge/der.js';
import { loadRsaPrivateKey, loadRsaPublicKey } from './forge/rsa.js';

/**
 * The engine on node-forge: JavaScript that runs without node:crypto. Random bytes come from the platform's
 * `crypto.getRandomValues`, which must exist.
 *
 * It is much slower than OpenSSL, not in constant time, and leaves secrets behind in strings and
 * numbers that can't be wiped. Use it only if there is no alternative.
 */
export const forgeEngine: CryptoEngine = {
  name: 'forge',
  loadAesKey: (material) => new Xaes256GcmKey(forgeAes, material),
  loadRsaPrivateKey: async (pkcs8) => loadRsaPrivateKey(pkcs8),
  loadRsaPublicKey: async (spki) => loadRsaPublicKey(spki),
  async generateKeyPair(spec) {
    if (isRsaKeySpec(spec)) return generateRsaKeyPair(spec);
    // forge lacks these elliptic curves; they are loaded only when needed.
    return (await import('./forge/ec.js')).generateEcKeyPair(spec);
  },
};

/**
 * forge delegates this to node:crypto or WebCrypto if it finds them. Otherwise it searches for primes in
 * slices of 10 ms, so as not to block the event loop.
 */
async function generateRsaKeyPair(spec: RsaKeySpec): Promise<EncodedKeyPair> {
  const bits = 8 * rsaModulusLength(spec);
  const { privateKey } = await new Promise<forge.pki.rsa.KeyPair>((resolve, reject) =>
    forge.pki.rsa.generateKeyPair({ bits, e: 0x10001 }, (error, pair) =>
      error ? reject(error) : resolve(pair),
    ),
  );
  const { pki } = forge;
  return {
    publicKey: derBytes(pki.publicKeyToAsn1(pki.setRsaPublicKey(privateKey.n, privateKey.e))),
    privateKey: derBytes(pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(privateKey))),
  };
}
