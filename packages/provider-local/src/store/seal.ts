import { createHmac } from 'node:crypto';
import { wipe } from '@keywrap/core';
import type { AesKey } from '../cipher/engines/index.js';
import { openWithNonce, sealWithNonce } from '../cipher/sealed.js';
import { FORMAT } from './schema.js';

/** The place of a row: its table and every column that is not sealed. */
export type Place = readonly (string | number)[];

const encoder = new TextEncoder();

/**
 * Seals rows with XAES-256-GCM, bound to their place in one store: a row that was changed, or copied from
 * another place or store, does not open.
 */
export class RowSeal {
  readonly #storeId: string;
  readonly #key: AesKey;
  readonly #setKey: Uint8Array;

  /** @param setKey 32 bytes, for {@link hash}. The caller keeps both keys. */
  constructor(storeId: string, key: AesKey, setKey: Uint8Array) {
    this.#storeId = storeId;
    this.#key = key;
    this.#setKey = setKey;
  }

  /** @returns The nonce, the ciphertext and the tag. `content` is wiped. */
  seal(place: Place, content: Uint8Array): Uint8Array {
    const sealed = sealWithNonce(this.#key, content, this.#associatedData(place));
    wipe(content);
    return sealed;
  }

  /**
   * @returns The content, in memory that nothing else shares; undefined for anything that was not sealed
   * for this place.
   */
  open(place: Place, sealed: Uint8Array): Uint8Array | undefined {
    return openWithNonce(this.#key, sealed, this.#associatedData(place));
  }

  /** Returns a row's part of the set hash: HMAC-SHA-256 of the place and the sealed bytes. */
  hash(place: Place, sealed: Uint8Array): bigint {
    const hmac = createHmac('sha256', this.#setKey);
    hmac.update(this.#associatedData(place)).update(sealed);
    return BigInt(`0x${hmac.digest('hex')}`);
  }

  /** A JSON array: no two places have the same text, and none is a prefix of another. */
  #associatedData(place: Place): Uint8Array {
    return encoder.encode(JSON.stringify(['keywrap store', FORMAT, this.#storeId, ...place]));
  }
}
