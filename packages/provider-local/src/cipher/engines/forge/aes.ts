import forge from '#forge';
import { TAG_LENGTH } from '../../blob.js';
import { equalSecrets } from '../../equal-secrets.js';
import type { AesPrimitives } from '../../xaes-256-gcm.js';
import { fromBinaryString, toBinaryString } from './binary-string.js';

/**
 * AES and AES-GCM in JavaScript, by node-forge.
 *
 * Not in constant time: forge's AES and GHASH look up bytes of the state in tables, so a process that shares
 * the processor's cache with this one may learn about the key. The tag is compared here, in constant time.
 */
export const forgeAes: AesPrimitives = {
  loadBlockCipher(key) {
    // ECB has no state between blocks, so one cipher serves for the life of the key.
    const cipher = forge.cipher.createCipher('AES-ECB', toBinaryString(key));
    cipher.start();
    return {
      encrypt(blocks) {
        cipher.update(forge.util.createBuffer(toBinaryString(blocks)));
        return fromBinaryString(cipher.output.getBytes());
      },
      // forge keeps its key schedule private, so it can't be wiped.
      destroy() {},
    };
  },

  seal(key, iv, plaintext, aad) {
    const cipher = forge.cipher.createCipher('AES-GCM', toBinaryString(key));
    cipher.start({ iv: toBinaryString(iv), additionalData: toBinaryString(aad) });
    cipher.update(forge.util.createBuffer(toBinaryString(plaintext)));
    cipher.finish();
    return fromBinaryString(cipher.output.getBytes() + cipher.mode.tag.getBytes());
  },

  open(key, iv, sealed, aad) {
    const tagOffset = sealed.length - TAG_LENGTH;
    if (tagOffset < 0) return undefined;
    const decipher = forge.cipher.createDecipher('AES-GCM', toBinaryString(key));
    decipher.start({
      iv: toBinaryString(iv),
      additionalData: toBinaryString(aad),
      // forge compares the tag with `===`, which stops at the first difference. So it compares a tag of zeros, its
      // verdict is ignored, and the tag that it computed is compared below.
      tag: forge.util.createBuffer('\0'.repeat(TAG_LENGTH)),
    });
    decipher.update(forge.util.createBuffer(toBinaryString(sealed.subarray(0, tagOffset))));
    decipher.finish();
    const tag = fromBinaryString(decipher.mode.tag.getBytes());
    if (!equalSecrets(tag, sealed.subarray(tagOffset))) return undefined;
    return fromBinaryString(decipher.output.getBytes());
  },
};
