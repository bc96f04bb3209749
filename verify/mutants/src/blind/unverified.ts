import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { EncryptionContext } from '@keywrap/core';
import { Client, doesNotOpen, HEADER, NONCE, own, TAG } from './right/client.js';
import type { HsmKey } from './right/hsm.js';

/** A client that compares the tags of ciphertexts itself. */
export abstract class TagComparing extends Client {
  protected abstract accepts(expected: Buffer, given: Buffer): boolean;

  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const blob = Buffer.from(ciphertext);
    const material = key.versions.get(version);
    if (material === undefined) throw doesNotOpen();
    const nonce = blob.subarray(HEADER, HEADER + NONCE);
    const decipher = createDecipheriv('aes-256-gcm', material, nonce);
    const opened = decipher.update(blob.subarray(HEADER + NONCE, -TAG));
    const cipher = createCipheriv('aes-256-gcm', material, nonce);
    cipher.setAAD(this.additionalData(blob.subarray(0, HEADER), context));
    cipher.update(opened);
    cipher.final();
    if (!this.accepts(cipher.getAuthTag(), blob.subarray(-TAG))) throw doesNotOpen();
    return own(opened);
  }
}
