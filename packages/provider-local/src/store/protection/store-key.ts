import { hkdfSync } from 'node:crypto';
import { newSecret, wipe } from '@keywrap/core';
import { nodeAesInBlocks } from '../../cipher/engines/node/aes.js';
import { Xaes256GcmKey } from '../../cipher/xaes-256-gcm.js';

/** Length in bytes of the store's key and of all keys derived from it. */
export const KEY_LENGTH = 32;

const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * The key of a store: 32 random bytes that are never used directly. Each purpose has its own key, derived by
 * HKDF-SHA-256 (RFC 5869) with the id of the store as the salt.
 */
export class StoreKey {
  readonly #secret: Uint8Array;
  /** Encrypts and authenticates rows. */
  readonly rows: Xaes256GcmKey;
  /** 32 bytes: the HMAC key of the set hash. */
  readonly setHash: Uint8Array;
  /** 32 bytes: the HMAC key of audit logs. */
  readonly auditLog: Uint8Array;

  /** @param secret Its memory changes owner, and is wiped by {@link destroy}. */
  constructor(storeId: string, secret: Uint8Array) {
    this.#secret = secret;
    const rows = derive(secret, storeId, 'rows');
    this.rows = new Xaes256GcmKey(nodeAesInBlocks, rows);
    wipe(rows);
    this.setHash = derive(secret, storeId, 'set hash');
    this.auditLog = derive(secret, storeId, 'audit log');
  }

  static generate(storeId: string): StoreKey {
    return new StoreKey(storeId, crypto.getRandomValues(newSecret(KEY_LENGTH)));
  }

  /** The key itself, for wrapping. The caller neither keeps nor changes it. */
  get secret(): Uint8Array {
    return this.#secret;
  }

  /** Wipes the key and all keys derived from it. */
  destroy(): void {
    for (const bytes of [this.#secret, this.setHash, this.auditLog]) wipe(bytes);
    this.rows.destroy();
  }

  toJSON(): undefined {
    return undefined;
  }

  [inspect](): string {
    return '[the key of a store]';
  }
}

function derive(secret: Uint8Array, storeId: string, purpose: string): Uint8Array {
  const info = `keywrap store v2 ${purpose}`;
  return new Uint8Array(hkdfSync('sha256', secret, storeId, info, KEY_LENGTH));
}
