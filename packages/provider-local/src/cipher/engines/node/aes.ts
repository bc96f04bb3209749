import { createCipheriv, createDecipheriv, type DecipherGCM } from 'node:crypto';
import { newSecret, ownSecret, wipe } from '@keywrap/core';
import { TAG_LENGTH } from '../../blob.js';
import type { AesPrimitives } from '../../xaes-256-gcm.js';

const BLOCK_LENGTH = 16;

const GCM = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' } as const;
const ECB = { 16: 'aes-128-ecb', 24: 'aes-192-ecb', 32: 'aes-256-ecb' } as const;

const keyLength = (key: Uint8Array) => key.length as keyof typeof GCM;

/** AES and AES-GCM by OpenSSL: in constant time, with hardware instructions if available. */
export const nodeAes: AesPrimitives = {
  loadBlockCipher(key) {
    // ECB keeps no state between blocks, so one cipher serves for the life of the key and its key
    // schedule is computed once. `final` has nothing left to write; it frees and wipes OpenSSL's context.
    const cipher = createCipheriv(ECB[keyLength(key)], key, null).setAutoPadding(false);
    return {
      encrypt: (blocks) => cipher.update(blocks),
      destroy: () => void cipher.final(),
    };
  },

  seal(key, iv, plaintext, aad) {
    const cipher = createCipheriv(GCM[keyLength(key)], key, iv);
    cipher.setAAD(aad);
    const sealed = new Uint8Array(plaintext.length + TAG_LENGTH);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  },

  open: openWith((decipher, ciphertext) => ownSecret(decipher.update(ciphertext))),
};

/**
 * As {@link nodeAes}, and leaves no plaintext in freed memory, at a few times the cost: for key material,
 * which must leave memory with its key.
 *
 * Node.js copies what a decipher returns, and frees the first copy without wiping it (seen with Node
 * 20.20). Of a block, the allocator overwrites that copy with its own links.
 */
export const nodeAesInBlocks: AesPrimitives = {
  ...nodeAes,
  open: openWith((decipher, ciphertext) => {
    const plaintext = newSecret(ciphertext.length);
    for (let at = 0; at < ciphertext.length; at += BLOCK_LENGTH) {
      const block = decipher.update(ciphertext.subarray(at, at + BLOCK_LENGTH));
      plaintext.set(block, at);
      wipe(block);
    }
    return plaintext;
  }),
};

/** @param decrypt Returns the plaintext, in memory that nothing else shares. */
function openWith(
  decrypt: (decipher: DecipherGCM, ciphertext: Uint8Array) => Uint8Array,
): AesPrimitives['open'] {
  return (key, iv, sealed, aad) => {
    const tagOffset = sealed.length - TAG_LENGTH;
    if (tagOffset < 0) return undefined;
    const decipher = createDecipheriv(GCM[keyLength(key)], key, iv);
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(tagOffset));
    const plaintext = decrypt(decipher, sealed.subarray(0, tagOffset));
    try {
      decipher.final();
    } catch {
      wipe(plaintext); // not authentic, so no one may see it
      return undefined;
    }
    return plaintext;
  };
}
