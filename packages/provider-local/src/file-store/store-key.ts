import { hkdfSync } from 'node:crypto';
import {
  AccessDeniedError,
  copyBytes,
  InvalidInputError,
  type KeyWrapProvider,
  newSecret,
  ownFields,
  ownSecret,
  wipe,
} from '@keywrap/core';
import type { AesKey } from '../cipher/engines/index.js';
import { nodeEngine } from '../cipher/engines/node.js';
import { randomNonce } from '../cipher/random.js';
import { NONCE_LENGTH } from '../cipher/xaes-256-gcm.js';
import { deriveFromPassphrase, newScrypt, type Scrypt, type ScryptCost } from './passphrase.js';

/** What a store is opened with: a passphrase, or a key of any provider (AWS KMS, an HSM, ...). */
export type StoreProtection =
  | {
      /** Text is normalised to NFC; not empty. A copy is never kept. */
      readonly passphrase: string | Uint8Array;
    }
  | {
      /** Wraps the key of the store. Needed to open the store and to change its protection, not in between. */
      readonly provider: KeyWrapProvider;
      /** The symmetric key to wrap it with: named here and never taken from the store. */
      readonly keyId: string;
    };

/** The key of a store, wrapped: as it stands in the header of the manifest. */
export type WrappedStoreKey =
  | { readonly by: 'passphrase'; readonly scrypt: Scrypt; readonly wrapped: string }
  | {
      readonly by: 'provider';
      readonly provider: string;
      readonly keyId: string;
      readonly wrapped: string;
    };

const LENGTH = 32;

/** The key of a store: 32 random bytes, and the keys that are derived from it. */
export class StoreKey {
  readonly #secret: Uint8Array;
  /** Encrypts and authenticates records, manifest and backups. */
  readonly files: AesKey;
  /** 32 bytes: authenticates the audit log (HMAC-SHA-256). */
  readonly audit: Uint8Array;

  private constructor(storeId: string, secret: Uint8Array) {
    this.#secret = secret;
    const files = derive(secret, storeId, 'keywrap store v1 files');
    this.files = nodeEngine.loadAesKey(files);
    wipe(files);
    this.audit = derive(secret, storeId, 'keywrap store v1 audit log');
  }

  static generate(storeId: string): StoreKey {
    return new StoreKey(storeId, crypto.getRandomValues(newSecret(LENGTH)));
  }

  /** @param cost For a passphrase; the default unless it is given. */
  async wrap(
    storeId: string,
    protection: StoreProtection,
    cost?: ScryptCost,
  ): Promise<WrappedStoreKey> {
    const own = ownFields(protection);
    if ('passphrase' in own) {
      const scrypt = newScrypt(cost);
      const key = await wrappingKey(own.passphrase, scrypt);
      const nonce = randomNonce();
      const sealed = key.seal(nonce, this.#secret, wrappingContext(storeId));
      key.destroy();
      const wrapped = Buffer.concat([nonce, sealed]).toString('base64');
      return { by: 'passphrase', scrypt, wrapped };
    }
    const { provider, keyId } = own;
    const plaintext = copyBytes(this.#secret);
    try {
      const result = await provider.encrypt({
        keyId,
        plaintext,
        encryptionContext: { 'keywrap-store': storeId },
      });
      const wrapped = Buffer.from(result.ciphertext).toString('base64');
      return { by: 'provider', provider: provider.id, keyId: result.keyId, wrapped };
    } finally {
      wipe(plaintext);
    }
  }

  /**
   * @throws {@link AccessDeniedError} for a wrong passphrase, {@link InvalidInputError} when the store
   * is protected by the other kind, and whatever the provider throws.
   */
  static async unwrap(
    storeId: string,
    protection: StoreProtection,
    stored: WrappedStoreKey,
  ): Promise<StoreKey> {
    const own = ownFields(protection);
    const wrapped = Buffer.from(stored.wrapped, 'base64');
    if (stored.by === 'passphrase') {
      if (!('passphrase' in own)) {
        throw new InvalidInputError('protectedBy', 'is a provider; this store has a passphrase');
      }
      const key = await wrappingKey(own.passphrase, stored.scrypt);
      const [nonce, sealed] = [wrapped.subarray(0, NONCE_LENGTH), wrapped.subarray(NONCE_LENGTH)];
      const secret =
        nonce.length === NONCE_LENGTH
          ? key.open(nonce, sealed, wrappingContext(storeId))
          : undefined;
      key.destroy();
      if (secret === undefined) {
        throw new AccessDeniedError(
          'the passphrase does not open this key store; check it (or the head of the manifest was changed)',
        );
      }
      return new StoreKey(storeId, secret);
    }
    if (!('provider' in own)) {
      throw new InvalidInputError(
        'protectedBy',
        `is a passphrase; this store is protected by the provider ${stored.provider} with ${stored.keyId}`,
      );
    }
    using result = await own.provider.decrypt({
      keyId: own.keyId,
      ciphertext: wrapped,
      encryptionContext: { 'keywrap-store': storeId },
    });
    return new StoreKey(storeId, copyBytes(result.plaintext));
  }

  destroy(): void {
    wipe(this.#secret);
    wipe(this.audit);
    this.files.destroy();
  }
}

/** HKDF-SHA-256 (RFC 5869), with the id of the store as the salt. */
function derive(secret: Uint8Array, storeId: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, storeId, purpose, LENGTH));
}

async function wrappingKey(passphrase: string | Uint8Array, scrypt: Scrypt): Promise<AesKey> {
  const derived = ownSecret(await deriveFromPassphrase(passphrase, scrypt));
  try {
    return nodeEngine.loadAesKey(derived);
  } finally {
    wipe(derived);
  }
}

function wrappingContext(storeId: string): Uint8Array {
  return new TextEncoder().encode(`keywrap store v1 key ${storeId}`);
}
