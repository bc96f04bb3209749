import type { OaepHash } from '@keywrap/core';
import forge from '#forge';
import { HASH_LENGTH } from '../oaep-limits.js';
import { fromBinaryString, toBinaryString } from './binary-string.js';

const DIGEST = {
  'SHA-1': () => forge.md.sha1.create(),
  'SHA-256': () => forge.md.sha256.create(),
  'SHA-384': () => forge.md.sha384.create(),
  'SHA-512': () => forge.md.sha512.create(),
} as const satisfies Record<OaepHash, () => forge.md.MessageDigest>;

/**
 * EME-OAEP encoding with an empty label (RFC 8017 §7.1.1 step 2).
 *
 * @param message At most `modulusLength - 2 * hLen - 2` bytes, which the caller has checked.
 * @param modulusLength `k`, in bytes.
 * @returns The encoded message EM, `k` bytes.
 */
export function encodeOaep(message: Uint8Array, modulusLength: number, hash: OaepHash): Uint8Array {
  const hLen = HASH_LENGTH[hash];
  const encoded = new Uint8Array(modulusLength);
  const seed = encoded.subarray(1, 1 + hLen);
  const db = encoded.subarray(1 + hLen);

  db.set(hashOfEmptyLabel(hash)); // DB = lHash ‖ PS ‖ 01 ‖ M
  db[db.length - message.length - 1] = 0x01;
  db.set(message, db.length - message.length);

  globalThis.crypto.getRandomValues(seed);
  mask(db, seed, hash);
  mask(seed, db, hash);
  return encoded;
}

/**
 * EME-OAEP decoding with an empty label (RFC 8017 §7.1.2 step 3).
 *
 * Every check runs over the whole message and all of them fold into one verdict, so that neither the
 * result nor a branch reveals which of them failed, which Manger's attack needs to know. node-forge's own
 * decoder branches on the padding. JavaScript guarantees no constant time beyond that.
 *
 * @param encoded EM, as long as the modulus; it is overwritten.
 * @returns The message, or `undefined` if the padding is wrong.
 */
export function decodeOaep(encoded: Uint8Array, hash: OaepHash): Uint8Array | undefined {
  const hLen = HASH_LENGTH[hash];
  if (encoded.length < 2 * hLen + 2) return undefined; // public: the key is too short for the hash
  const seed = encoded.subarray(1, 1 + hLen);
  const db = encoded.subarray(1 + hLen);
  mask(seed, db, hash);
  mask(db, seed, hash);

  let wrong = encoded[0] as number; // Y
  const labelHash = hashOfEmptyLabel(hash);
  for (let i = 0; i < hLen; i++) wrong |= (db[i] as number) ^ (labelHash[i] as number);

  // PS ‖ 01 ‖ M: nothing but zeros before the first 01. Masks are 0 or -1 (all bits).
  let found = 0;
  let messageOffset = 0;
  for (let i = hLen; i < db.length; i++) {
    const byte = db[i] as number;
    const isZero = (byte - 1) >> 31;
    const isOne = ((byte ^ 0x01) - 1) >> 31;
    wrong |= ~found & ~isZero & ~isOne;
    messageOffset |= ~found & isOne & (i + 1);
    found |= isOne;
  }
  wrong |= ~found;

  const message = wrong === 0 ? db.slice(messageOffset) : undefined;
  encoded.fill(0);
  return message;
}

function hashOfEmptyLabel(hash: OaepHash): Uint8Array {
  return fromBinaryString(DIGEST[hash]().digest().getBytes());
}

/** XORs MGF1(seed) over `target` (RFC 8017 appendix B.2.1). */
function mask(target: Uint8Array, seed: Uint8Array, hash: OaepHash): void {
  const mgf1 = forge.mgf.mgf1.create(DIGEST[hash]());
  const generated: string = mgf1.generate(toBinaryString(seed), target.length);
  for (let i = 0; i < target.length; i++) {
    target[i] = (target[i] as number) ^ generated.charCodeAt(i);
  }
}
