import { constants, createHash, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import { privateKeyOf, publicKeyOf } from './right/client.js';
import type { HsmKey } from './right/hsm.js';

// RSAES-OAEP step by step (RFC 8017 section 7.1), for what goes wrong between the steps.

export interface OaepHashes {
  readonly label: 'sha1' | 'sha256';
  readonly mask: 'sha1' | 'sha256';
}

/** RFC 8017 appendix B.2.1 */
function mask(seed: Uint8Array, length: number, hash: string): Buffer {
  const parts: Buffer[] = [];
  for (let counter = 0; Buffer.concat(parts).length < length; counter++) {
    parts.push(
      createHash(hash)
        .update(seed)
        .update(Uint8Array.of(0, 0, 0, counter))
        .digest(),
    );
  }
  return Buffer.concat(parts).subarray(0, length);
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((each, i) => each ^ (b[i] as number)));
}

/** RFC 8017 section 7.1.1 step 2 */
export function encode(
  message: Uint8Array,
  length: number,
  hashes: OaepHashes,
  label = new Uint8Array(),
): Buffer {
  const labelHash = createHash(hashes.label).update(label).digest();
  const block = Buffer.alloc(length - labelHash.length - 1);
  labelHash.copy(block);
  block[block.length - message.length - 1] = 1;
  block.set(message, block.length - message.length);
  const seed = randomBytes(labelHash.length);
  const maskedBlock = xor(block, mask(seed, block.length, hashes.mask));
  const maskedSeed = xor(seed, mask(maskedBlock, seed.length, hashes.mask));
  return Buffer.concat([Uint8Array.of(0), maskedSeed, maskedBlock]);
}

/** RFC 8017 section 7.1.2 step 3; `undefined` where decoding fails. */
export function decode(
  encoded: Uint8Array,
  hashes: OaepHashes,
  checksLabel = true,
): Buffer | undefined {
  const labelHash = createHash(hashes.label).digest();
  const maskedSeed = encoded.subarray(1, 1 + labelHash.length);
  const maskedBlock = encoded.subarray(1 + labelHash.length);
  const seed = xor(maskedSeed, mask(maskedBlock, maskedSeed.length, hashes.mask));
  const block = xor(maskedBlock, mask(seed, maskedBlock.length, hashes.mask));
  const rest = block.subarray(labelHash.length);
  const start = rest.findIndex((each) => each !== 0);
  if (encoded[0] !== 0 || rest[start] !== 1) return undefined;
  if (checksLabel && !block.subarray(0, labelHash.length).equals(labelHash)) return undefined;
  return rest.subarray(start + 1);
}

/** RFC 8017 section 5.1.1 */
export function rawEncrypt(key: HsmKey, encoded: Uint8Array): Buffer {
  return publicEncrypt({ key: publicKeyOf(key), padding: constants.RSA_NO_PADDING }, encoded);
}

/** RFC 8017 section 5.1.2 */
export function rawDecrypt(key: HsmKey, ciphertext: Uint8Array): Buffer {
  return privateDecrypt({ key: privateKeyOf(key), padding: constants.RSA_NO_PADDING }, ciphertext);
}
