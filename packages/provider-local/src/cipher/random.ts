import { copyBytes, LIMITS, wipe } from '@keywrap/core';
import { NONCE_LENGTH } from './xaes-256-gcm.js';

// Nothing is drawn in advance, though that would be faster: a pool of random bytes is the same in every copy
// of a virtual machine's memory, and reusing a nonce under one key breaks AES-GCM.

/** Memory in which random bytes are drawn, to be copied and wiped: allocating it takes as long as a draw. */
const drawn = new Uint8Array(LIMITS.dataKey + NONCE_LENGTH);

/** A random nonce of XAES-256-GCM. */
export function randomNonce(): Uint8Array {
  const bytes = draw(NONCE_LENGTH);
  const nonce = bytes.slice();
  wipe(bytes);
  return nonce;
}

/** Draws a data key and the nonce to wrap it with at once: a draw takes about as long as wrapping. */
export function randomKeyAndNonce(keyLength: number): { key: Uint8Array; nonce: Uint8Array } {
  const bytes = draw(keyLength + NONCE_LENGTH);
  const [key, nonce] = [copyBytes(bytes.subarray(0, keyLength)), bytes.slice(keyLength)];
  wipe(bytes);
  return { key, nonce };
}

function draw(length: number): Uint8Array {
  return crypto.getRandomValues(drawn.subarray(0, length));
}
