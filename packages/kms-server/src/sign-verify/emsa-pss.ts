import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Hash } from './signatures.js';

// EMSA-PSS with MGF1 over the same hash and a salt as long as the digest, for keys whose modulus is a
// whole number of bytes: so emBits is 8 * emLen - 1, and one bit of the first byte is kept clear.

/** EMSA-PSS-ENCODE (RFC 8017 §9.1.1), from step 3: the message is hashed already. */
export function encodePss(hash: Hash, digest: Uint8Array, modulusBits: number): Buffer {
  const length = modulusBits / 8;
  const salt = randomBytes(digest.length);
  const h = hashOfSalted(hash, digest, salt);
  const db = Buffer.alloc(length - h.length - 1);
  db[db.length - salt.length - 1] = 0x01;
  db.set(salt, db.length - salt.length);
  const masked = xor(db, mgf1(hash, h, db.length));
  clearTopBit(masked);
  return Buffer.concat([masked, h, Uint8Array.of(0xbc)]);
}

/** EMSA-PSS-VERIFY (RFC 8017 §9.1.2), from step 3. */
export function isPss(
  hash: Hash,
  digest: Uint8Array,
  encoded: Uint8Array,
  modulusBits: number,
): boolean {
  const length = modulusBits / 8;
  const dbLength = length - digest.length - 1;
  const masked = encoded.subarray(0, dbLength);
  const h = encoded.subarray(dbLength, length - 1);
  if (encoded.length !== length || encoded.at(-1) !== 0xbc || (masked[0] as number) > 0x7f) {
    return false;
  }
  const db = xor(masked, mgf1(hash, h, dbLength));
  clearTopBit(db);
  const saltOffset = dbLength - digest.length;
  const isPadded = db.subarray(0, saltOffset - 1).every((byte) => byte === 0);
  if (!isPadded || db[saltOffset - 1] !== 0x01) return false;
  return timingSafeEqual(hashOfSalted(hash, digest, db.subarray(saltOffset)), h);
}

/** H of M' (steps 5 and 6, and 12 and 13). */
function hashOfSalted(hash: Hash, digest: Uint8Array, salt: Uint8Array): Buffer {
  return createHash(hash).update(new Uint8Array(8)).update(digest).update(salt).digest();
}

/** MGF1 (RFC 8017 appendix B.2.1). */
function mgf1(hash: Hash, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  const counter = Buffer.alloc(4);
  for (let done = 0; done < length; done += blocks[0]?.length ?? 0) {
    counter.writeUInt32BE(blocks.length);
    blocks.push(createHash(hash).update(seed).update(counter).digest());
  }
  return Buffer.concat(blocks, length);
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] as number)));
}

function clearTopBit(bytes: Uint8Array): void {
  bytes[0] = (bytes[0] as number) & 0x7f;
}
