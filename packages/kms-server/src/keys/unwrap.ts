import { createDecipheriv } from 'node:crypto';
import { wipe } from '@keywrap/core';
import type { CryptoEngine } from '@keywrap/provider-local/driver';
import type { ImportParameters } from './import-token.js';

/** The alternative initial value of AES key wrap with padding (RFC 5649 §3). */
const ALTERNATIVE_INITIAL_VALUE = Buffer.from('a65959a6', 'hex');

/**
 * Unwraps key material that was wrapped for import: with RSA-OAEP alone, or with an AES key that is
 * itself wrapped with RSA-OAEP and comes first (PKCS#11 CKM_RSA_AES_KEY_WRAP).
 *
 * @returns `undefined` when it can't be unwrapped, whatever the reason.
 */
export async function unwrap(
  engine: CryptoEngine,
  { wrappingAlgorithm: algorithm, privateKey }: ImportParameters,
  wrapped: Uint8Array,
): Promise<Uint8Array | undefined> {
  const rsa = await engine.loadRsaPrivateKey(privateKey);
  try {
    const hash = algorithm.endsWith('_SHA_1') ? 'SHA-1' : 'SHA-256';
    if (algorithm.startsWith('RSAES_OAEP')) return await rsa.decrypt(wrapped, hash);
    const aesKey = await rsa.decrypt(wrapped.subarray(0, rsa.modulusLength), hash);
    if (aesKey === undefined) return undefined;
    try {
      return unwrapWithAes(aesKey, wrapped.subarray(rsa.modulusLength));
    } finally {
      wipe(aesKey);
    }
  } finally {
    rsa.destroy();
  }
}

/** AES-KWP (RFC 5649 §4.2) with a key of 256 bits. */
function unwrapWithAes(key: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  try {
    const decipher = createDecipheriv('id-aes256-wrap-pad', key, ALTERNATIVE_INITIAL_VALUE);
    // All of it at once: `final` returns nothing, and joining them would leave another copy.
    const unwrapped = decipher.update(wrapped);
    decipher.final();
    return unwrapped;
  } catch {
    return undefined;
  }
}
