import forge from '#forge';
import { fromBinaryString, toBinaryString } from '../cipher/engines/forge/binary-string.js';
import type { Cipher, LegacyCipher, Plaintext } from './platform.js';

/** Decrypts CBC with PKCS#7 padding (RFC 8018 appendix B.2). */
export function decryptCbc(
  name: 'AES-CBC' | '3DES-CBC' | 'DES-CBC' | 'RC2-CBC',
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
): Plaintext {
  const binary = toBinaryString(key);
  const decipher =
    name === 'RC2-CBC'
      ? forge.rc2.createDecryptionCipher(binary, 8 * key.length)
      : forge.cipher.createDecipher(name, binary);
  const start = decipher.start as (options: string | { iv: string }) => void; // RC2's is another
  start.call(decipher, name === 'RC2-CBC' ? toBinaryString(iv) : { iv: toBinaryString(iv) });
  decipher.update(forge.util.createBuffer(toBinaryString(data)));
  return decipher.finish() ? fromBinaryString(decipher.output.getBytes()) : undefined;
}

/** Tells whether node:crypto may lack the cipher. */
export const isLegacy = (cipher: Cipher): cipher is LegacyCipher => /^(des-cbc|rc)/.test(cipher);

/** Decrypts with a cipher that OpenSSL 3 has only in its legacy provider. */
export function decryptLegacy(
  cipher: LegacyCipher,
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
): Plaintext {
  if (cipher === 'rc4') return rc4(key, data);
  return decryptCbc(cipher === 'des-cbc' ? 'DES-CBC' : 'RC2-CBC', key, iv, data);
}

/** RC4, which neither library has; test vectors are in RFC 6229. */
function rc4(key: Uint8Array, data: Uint8Array): Uint8Array {
  const state = Uint8Array.from({ length: 256 }, (_, i) => i);
  const at = (index: number) => state[index & 0xff] as number;
  const swap = (i: number, j: number) => {
    [state[i & 0xff], state[j & 0xff]] = [at(j), at(i)];
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j += at(i) + (key[i % key.length] as number);
    swap(i, j);
  }
  let j = 0;
  const output = data.map((byte, index) => {
    j += at(index + 1);
    swap(index + 1, j);
    return byte ^ at(at(index + 1) + at(j));
  });
  state.fill(0);
  return output;
}
