import { InvalidInputError, newSecret, ProviderClosedError } from '@keywrap/core';
import type { AesKey } from './engines/engine.js';

const BLOCK_LENGTH = 16;
const KEY_LENGTH = 32;
/** In bytes. */
export const NONCE_LENGTH = 24;

/** AES under one key, a block at a time (FIPS 197). */
export interface AesBlockCipher {
  /** Enciphers each 16-byte block by itself; `blocks` is a multiple of 16 bytes. */
  encrypt(blocks: Uint8Array): Uint8Array;
  /** Wipes the key schedule if the engine can. */
  destroy(): void;
}

/** The primitives of an engine for XAES-256-GCM: AES, and AES-GCM (NIST SP 800-38D). */
export interface AesPrimitives {
  /** Expands a key of 16, 24 or 32 bytes; it is not kept. */
  loadBlockCipher(key: Uint8Array): AesBlockCipher;

  /**
   * AES-GCM authenticated encryption (SP 800-38D §7.1).
   *
   * @param key 16, 24 or 32 bytes.
   * @param iv 12 bytes.
   * @returns The ciphertext followed by the 16-byte tag.
   */
  seal(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array;

  /** AES-GCM authenticated decryption (SP 800-38D §7.2); `undefined` is FAIL. */
  open(
    key: Uint8Array,
    iv: Uint8Array,
    sealed: Uint8Array,
    aad: Uint8Array,
  ): Uint8Array | undefined;
}

/**
 * XAES-256-GCM ([C2SP](https://c2sp.org/XAES-256-GCM)): AES-256-GCM under a fresh key that is derived
 * from the first half of a 24-byte nonce, so that random nonces never run out.
 *
 * The key derivation is NIST SP 800-108r1 in counter mode with CMAC-AES256, label `X` (0x58) and two
 * blocks of output. As each CMAC is over exactly one whole block, it is one AES call on `M ^ K1`.
 */
export class Xaes256GcmKey implements AesKey {
  readonly #aes: AesPrimitives;
  /** M1 ^ K1 followed by M2 ^ K1, with the nonce still zero in both. */
  readonly #maskedBlocks: Uint8Array;
  /** Memory for the two blocks, wiped after each call and reused, because every call needs it. */
  readonly #blocks = newSecret(2 * BLOCK_LENGTH);
  #cipher: AesBlockCipher | undefined;

  /**
   * @param aes The engine's AES.
   * @param material The 32-byte key; it is not kept.
   * @throws InvalidInputError for `keyMaterial` if it is not 32 bytes.
   */
  constructor(aes: AesPrimitives, material: Uint8Array) {
    if (material.length !== KEY_LENGTH) {
      throw new InvalidInputError(
        'keyMaterial',
        `is ${material.length} bytes long; an AES-256 key is ${KEY_LENGTH}`,
      );
    }
    this.#aes = aes;
    this.#cipher = aes.loadBlockCipher(material);

    // L = AES-256ₖ(0¹²⁸); K1 is L times x in GF(2¹²⁸), as in CMAC (NIST SP 800-38B §6.1).
    const l = this.#cipher.encrypt(new Uint8Array(BLOCK_LENGTH));
    const k1 = double(l);
    const masked = newSecret(2 * BLOCK_LENGTH);
    masked.set([0x00, 0x01, 0x58, 0x00]); // M1 = 00 01 'X' 00 ‖ N[:12]
    masked.set([0x00, 0x02, 0x58, 0x00], BLOCK_LENGTH); // M2
    for (let i = 0; i < masked.length; i++) (masked[i] as number) ^= k1[i % BLOCK_LENGTH] as number;
    this.#maskedBlocks = masked;
    l.fill(0);
    k1.fill(0);
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
    const derivedKey = this.#deriveKey(nonce);
    try {
      return this.#aes.seal(derivedKey, nonce.subarray(12), plaintext, aad);
    } finally {
      derivedKey.fill(0);
    }
  }

  open(nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array | undefined {
    const derivedKey = this.#deriveKey(nonce);
    try {
      return this.#aes.open(derivedKey, nonce.subarray(12), sealed, aad);
    } finally {
      derivedKey.fill(0);
    }
  }

  destroy(): void {
    this.#maskedBlocks.fill(0);
    this.#cipher?.destroy();
    this.#cipher = undefined;
  }

  /** Kx = AES-256ₖ(M1 ^ K1) ‖ AES-256ₖ(M2 ^ K1). */
  #deriveKey(nonce: Uint8Array): Uint8Array {
    if (this.#cipher === undefined) throw new ProviderClosedError('The key was destroyed.');
    if (nonce.length !== NONCE_LENGTH) {
      throw new InvalidInputError('nonce', `is ${nonce.length} bytes long, not ${NONCE_LENGTH}`);
    }
    const blocks = this.#blocks;
    blocks.set(this.#maskedBlocks);
    for (let i = 0; i < 12; i++) {
      (blocks[4 + i] as number) ^= nonce[i] as number;
      (blocks[BLOCK_LENGTH + 4 + i] as number) ^= nonce[i] as number;
    }
    const derivedKey = this.#cipher.encrypt(blocks);
    blocks.fill(0);
    return derivedKey;
  }
}

/** Multiplies by x in GF(2¹²⁸), most significant bit first, without a branch on the secret. */
function double(block: Uint8Array): Uint8Array {
  const result = newSecret(BLOCK_LENGTH);
  let carry = 0;
  for (let i = BLOCK_LENGTH - 1; i >= 0; i--) {
    const byte = block[i] as number;
    result[i] = (byte << 1) | carry;
    carry = byte >> 7;
  }
  (result[BLOCK_LENGTH - 1] as number) ^= 0x87 & -carry;
  return result;
}
