import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const MAGIC = Buffer.from([0x6b, 0x77, 0x62, 0x01]);
const UUID_LENGTH = 36;
const NONCE_OFFSET = MAGIC.length + 1 + UUID_LENGTH + 4;
const TAG_LENGTH = 16;

// The code of someone who needs only the blob: node:crypto, the key, and no checks
// (docs/blob-format.md, https://c2sp.org/XAES-256-GCM). One context pair; key ids that are UUIDs.

/** A key: 32 bytes, or the result of {@link prepare}. */
export type BareKey = Uint8Array | PreparedKey;

/** Computes the parts that depend only on the key. */
interface PreparedKey {
  readonly block: ReturnType<typeof createCipheriv>;
  /** M1 ^ K1 and M2 ^ K1, the nonce still zero in both. */
  readonly masks: Buffer;
}

/** Encrypts into a blob. */
export function bareSeal(
  key: BareKey,
  keyId: string,
  plaintext: Uint8Array,
  name: string,
  value: string,
): Buffer {
  const header = Buffer.allocUnsafe(NONCE_OFFSET);
  MAGIC.copy(header);
  header[MAGIC.length] = UUID_LENGTH;
  header.write(keyId, MAGIC.length + 1, 'latin1');
  header.writeUInt32BE(1, NONCE_OFFSET - 4);
  const nonce = randomBytes(24);
  const cipher = createCipheriv('aes-256-gcm', derive(key, nonce), nonce.subarray(12));
  cipher.setAAD(Buffer.concat([header, serialize(name, value)]));
  const sealed = cipher.update(plaintext);
  return Buffer.concat([header, nonce, sealed, cipher.final(), cipher.getAuthTag()]);
}

/** Decrypts a blob. */
export function bareOpen(key: BareKey, blob: Uint8Array, name: string, value: string): Buffer {
  const header = blob.subarray(0, NONCE_OFFSET);
  const nonce = blob.subarray(NONCE_OFFSET, NONCE_OFFSET + 24);
  const decipher = createDecipheriv('aes-256-gcm', derive(key, nonce), nonce.subarray(12));
  decipher.setAAD(Buffer.concat([header, serialize(name, value)]));
  decipher.setAuthTag(blob.subarray(-TAG_LENGTH));
  const plaintext = decipher.update(blob.subarray(NONCE_OFFSET + 24, -TAG_LENGTH));
  decipher.final();
  return plaintext;
}

/** Computes the parts that depend only on the key. */
export function prepare(key: Uint8Array): PreparedKey {
  const block = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  const masks = Buffer.alloc(32);
  const k1 = block.update(masks.subarray(16));
  const carry = (k1[0] as number) >> 7;
  for (let i = 0; i < 15; i++) k1[i] = ((k1[i] as number) << 1) | ((k1[i + 1] as number) >> 7);
  k1[15] = ((k1[15] as number) << 1) ^ (0x87 * carry);
  masks.set([0, 1, 0x58, 0], 0);
  masks.set([0, 2, 0x58, 0], 16);
  for (let i = 0; i < 32; i++) (masks[i] as number) ^= k1[i % 16] as number;
  return { block, masks };
}

function derive(key: BareKey, nonce: Uint8Array): Buffer {
  const { block, masks } = key instanceof Uint8Array ? prepare(key) : key;
  const blocks = Buffer.from(masks);
  for (let i = 0; i < 12; i++) {
    (blocks[4 + i] as number) ^= nonce[i] as number;
    (blocks[20 + i] as number) ^= nonce[i] as number;
  }
  return block.update(blocks);
}

/** One pair, as in the header of an AWS Encryption SDK message; ASCII only. */
function serialize(name: string, value: string): Buffer {
  const bytes = Buffer.allocUnsafe(6 + name.length + value.length);
  bytes.writeUInt16BE(1, 0);
  bytes.writeUInt16BE(name.length, 2);
  bytes.write(name, 4, 'latin1');
  bytes.writeUInt16BE(value.length, 4 + name.length);
  bytes.write(value, 6 + name.length, 'latin1');
  return bytes;
}
