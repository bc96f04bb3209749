import { NONCE_LENGTH } from './blob.js';

/**
 * A random nonce of XAES-256-GCM. None is drawn in advance, though that would be quicker: a stock of them
 * is the same in every copy of a virtual machine's memory, and a nonce that is used twice under one key
 * opens AES-GCM.
 */
export function randomNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(NONCE_LENGTH));
}
