import type { AesKey } from './engines/engine.js';
import { randomNonce } from './random.js';
import { NONCE_LENGTH } from './xaes-256-gcm.js';

/**
 * Encrypts and authenticates under a random nonce, which is kept with the ciphertext.
 *
 * @param aad Authenticated too, but not part of the result.
 * @returns The nonce, the ciphertext and the tag.
 */
export function sealWithNonce(key: AesKey, content: Uint8Array, aad: Uint8Array): Uint8Array {
  const nonce = randomNonce();
  return Buffer.concat([nonce, key.seal(nonce, content, aad)]);
}

/** Opens what {@link sealWithNonce} made; undefined for anything else, or if anything was changed. */
export function openWithNonce(
  key: AesKey,
  sealed: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < NONCE_LENGTH) return undefined;
  return key.open(sealed.subarray(0, NONCE_LENGTH), sealed.subarray(NONCE_LENGTH), aad);
}
