import { NONCE_LENGTH } from './blob.js';

const POOL = 64;

let pool = new Uint8Array();
let used = 0;

/**
 * A random nonce of XAES-256-GCM. They are drawn many at a time, because asking the system takes longer
 * than encrypting a data key; each is given out once. Nonces are public, so keeping some ready risks
 * nothing; secrets are never drawn in advance.
 */
export function randomNonce(): Uint8Array {
  if (used === pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(POOL * NONCE_LENGTH));
    used = 0;
  }
  const nonce = pool.slice(used, used + NONCE_LENGTH);
  used += NONCE_LENGTH;
  return nonce;
}
