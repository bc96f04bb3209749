import { generateKeyPair, getCurves, type KeyPairKeyObjectResult } from 'node:crypto';
import { promisify } from 'node:util';
import {
  type DataKeyPairSpec,
  isRsaKeySpec,
  ownSecret,
  rsaModulusLength,
  UnsupportedOperationError,
} from '@keywrap/core';
import { Xaes256GcmKey } from '../xaes-256-gcm.js';
import type { CryptoEngine } from './engine.js';
import { nodeAes } from './node/aes.js';
import { loadRsaPrivateKey, loadRsaPublicKey } from './node/rsa.js';
import { CURVE_NAMES } from './node-curves.js';

const generate = promisify(generateKeyPair);

/** Generates a key pair in OpenSSL, on the thread pool. */
async function generatePair(spec: DataKeyPairSpec): Promise<KeyPairKeyObjectResult> {
  if (isRsaKeySpec(spec)) {
    return generate('rsa', { modulusLength: 8 * rsaModulusLength(spec), publicExponent: 65537 });
  }
  const namedCurve = CURVE_NAMES[spec];
  try {
    return await generate('ec', { namedCurve });
  } catch (cause) {
    if (getCurves().includes(namedCurve)) throw cause;
    // Bun's BoringSSL has no secp256k1.
    throw new UnsupportedOperationError(
      `node:crypto of this runtime has no curve ${namedCurve}: use engine forge`,
      { cause },
    );
  }
}

/** The engine on node:crypto, that is OpenSSL. */
export const nodeEngine: CryptoEngine = {
  name: 'node',
  loadAesKey: (material) => new Xaes256GcmKey(nodeAes, material),
  loadRsaPrivateKey: async (pkcs8) => loadRsaPrivateKey(pkcs8),
  loadRsaPublicKey: async (spki) => loadRsaPublicKey(spki),
  async generateKeyPair(spec) {
    const { publicKey, privateKey } = await generatePair(spec);
    return {
      publicKey: ownSecret(publicKey.export({ type: 'spki', format: 'der' })),
      privateKey: ownSecret(privateKey.export({ type: 'pkcs8', format: 'der' })),
    };
  },
};
