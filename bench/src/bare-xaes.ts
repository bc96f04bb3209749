import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const MAGIC = Buffer.from([0x6b, 0x77, 0x62, 0x01]);
const UUID_LENGTH = 36;
const NONCE_OFFSET = MAGIC.length + 1 + UUID_LENGTH + 4;
const TAG_LENGTH = 16;

/**
 * What anyone would write who needs nothing but the blob: node:crypto and the key, and no question asked
 * (docs/blob-format.md, [XAES-256-GCM](https://c2sp.org/XAES-256-GCM)). What depends on the key alone is
 * computed once, as in the provider. It takes one context pair and key ids that are UUIDs.
 */
export class BareXaes {
  readonly #block: ReturnType<typeof createCipheriv>;
  readonly #masks: Buffer;

  /** @param key 32 bytes. */
  constructor(key: Uint8Array) {
    this.#block = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    const l = BigInt(`0x${this.#block.update(Buffer.alloc(16)).toString('hex')}`);
    const doubled = ((l << 1n) & ((1n << 128n) - 1n)) ^ (l >> 127n === 1n ? 0x87n : 0n);
    const k1 = Buffer.from(doubled.toString(16).padStart(32, '0'), 'hex');
    this.#masks = Buffer.concat([k1, k1]);
    for (const [offset, prefix] of [
      [0, [0, 1, 0x58, 0]],
      [16, [0, 2, 0x58, 0]],
    ] as const) {
      for (const [i, byte] of prefix.entries()) (this.#masks[offset + i] as number) ^= byte;
    }
  }

  seal(keyId: string, plaintext: Uint8Array, name: string, value: string): Buffer {
    const header = Buffer.allocUnsafe(NONCE_OFFSET);
    MAGIC.copy(header);
    header[MAGIC.length] = UUID_LENGTH;
    header.write(keyId, MAGIC.length + 1, 'latin1');
    header.writeUInt32BE(1, NONCE_OFFSET - 4);
    const nonce = randomBytes(24);
    const cipher = createCipheriv('aes-256-gcm', this.#derive(nonce), nonce.subarray(12));
    cipher.setAAD(Buffer.concat([header, serialize(name, value)]));
    return Buffer.concat([
      header,
      nonce,
      cipher.update(plaintext),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
  }

  open(blob: Uint8Array, name: string, value: string): Buffer {
    const header = blob.subarray(0, NONCE_OFFSET);
    const nonce = blob.subarray(NONCE_OFFSET, NONCE_OFFSET + 24);
    const decipher = createDecipheriv('aes-256-gcm', this.#derive(nonce), nonce.subarray(12));
    decipher.setAAD(Buffer.concat([header, serialize(name, value)]));
    decipher.setAuthTag(blob.subarray(-TAG_LENGTH));
    const plaintext = decipher.update(blob.subarray(NONCE_OFFSET + 24, -TAG_LENGTH));
    decipher.final();
    return plaintext;
  }

  #derive(nonce: Uint8Array): Buffer {
    const blocks = Buffer.from(this.#masks);
    for (let i = 0; i < 12; i++) {
      (blocks[4 + i] as number) ^= nonce[i] as number;
      (blocks[20 + i] as number) ^= nonce[i] as number;
    }
    return this.#block.update(blocks);
  }
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
