import { generateKeyPair, getCurves, type KeyPairKeyObjectResult } from 'node:crypto';
import { promisify } from 'node:util';
import type { DataKeyPairSpec, EccKeySpec } from '@keywrap/core';
import { ownSecret, UnsupportedOperationError } from '@keywrap/core';
import { Xaes256GcmKey } from '../xaes-256-gcm.js';
import type { CryptoEngine } from './engine.js';
import { nodeAes } from './node/aes.js';
import { loadRsaPrivateKey, loadRsaPublicKey } from './node/rsa.js';
import { CURVE_NAMES } from './node-curves.js';

const generate = promisify(generateKeyPair);

const rsa = (modulusLength: number): Promise<KeyPairKeyObjectResult> =>
  generate('rsa', { modulusLength, publicExponent: 65537 });

async function ec(spec: EccKeySpec): Promise<KeyPairKeyObjectResult> {
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

/** Generates each kind of key pair in OpenSSL, on the thread pool. */
const GENERATE = {
  RSA_2048: () => rsa(2048),
  RSA_3072: () => rsa(3072),
  RSA_4096: () => rsa(4096),
  ECC_NIST_P256: () => ec('ECC_NIST_P256'),
  ECC_NIST_P384: () => ec('ECC_NIST_P384'),
  ECC_NIST_P521: () => ec('ECC_NIST_P521'),
  ECC_SECG_P256K1: () => ec('ECC_SECG_P256K1'),
} as const satisfies Record<DataKeyPairSpec, () => Promise<KeyPairKeyObjectResult>>;

/** The engine on node:crypto, that is OpenSSL. */
export const nodeEngine: CryptoEngine = {
  name: 'node',
  loadAesKey: (material) => new Xaes256GcmKey(nodeAes, material),
  loadRsaPrivateKey: async (pkcs8) => loadRsaPrivateKey(pkcs8),
  loadRsaPublicKey: async (spki) => loadRsaPublicKey(spki),
  async generateKeyPair(spec) {
    const { publicKey, privateKey } = await GENERATE[spec]();
    return {
      publicKey: ownSecret(publicKey.export({ type: 'spki', format: 'der' })),
      privateKey: ownSecret(privateKey.export({ type: 'pkcs8', format: 'der' })),
    };
  },
};
