import {
  AccessDeniedError,
  copyBytes,
  InvalidInputError,
  isUint8Array,
  type KeyWrapProvider,
  readFields,
  wipe,
} from '@keywrap/core';
import { DamagedStoreError } from '../errors.js';
import type { ScryptCost } from './passphrase.js';
import { unwrapWithPassphrase, wrapWithPassphrase } from './passphrase-protection.js';
import { type ProtectionRecord, type ProviderRecord, parseProtectionRecord } from './record.js';
import { KEY_LENGTH, StoreKey } from './store-key.js';

/** The protection of a store's key: a passphrase, or a key of any provider (AWS KMS, an HSM, ...). */
export type StoreProtection =
  | {
      /** Text is normalised to NFC; not empty. A copy is never kept. */
      readonly passphrase: string | Uint8Array;
    }
  | {
      /** Wraps the key of the store. Needed only to open the store and to change its protection. */
      readonly provider: KeyWrapProvider;
      /** The symmetric key that wraps it: named here, never taken from the store. */
      readonly keyId: string;
    };

/**
 * Wraps the key of a store under a passphrase, or by a provider.
 *
 * @param storeId A random UUID, which the store includes in everything it authenticates.
 * @param scrypt For a passphrase: the cost of a guess.
 * @throws {@link InvalidInputError}, and errors of the provider.
 */
export async function protect(
  storeId: string,
  storeKey: StoreKey,
  protection: StoreProtection,
  scrypt?: ScryptCost,
): Promise<ProtectionRecord> {
  const { passphrase, provider, keyId } = readProtection(protection);
  return passphrase === undefined
    ? wrapWithProvider(storeId, storeKey, provider, keyId)
    : wrapWithPassphrase(storeId, storeKey.secret, passphrase, scrypt);
}

/**
 * Opens the key of a store.
 *
 * @param value The stored record, after JSON.parse.
 * @param location Names the store in errors.
 * @throws {@link AccessDeniedError} for a wrong passphrase; {@link DamagedStoreError} for a record that no
 * store writes; {@link InvalidInputError} if the store is protected in the other way; and errors of the
 * provider.
 */
export async function openProtection(
  storeId: string,
  value: unknown,
  protection: StoreProtection,
  location: string,
): Promise<StoreKey> {
  const record = parseProtectionRecord(value);
  if (record === undefined || !UUID.test(storeId)) throw changed(location);
  const { passphrase, provider, keyId } = readProtection(protection);
  if (record.by === 'passphrase') {
    if (passphrase === undefined) {
      throw new InvalidInputError('protectedBy', 'is a provider; this store has a passphrase');
    }
    const { denied, secret } = await unwrapWithPassphrase(storeId, passphrase, record);
    if (denied) {
      throw new AccessDeniedError(
        `the passphrase does not open the key store ${location}; check it (or its protection record was changed)`,
      );
    }
    if (secret === undefined) throw changed(location);
    return new StoreKey(storeId, secret);
  }
  if (provider === undefined) {
    throw new InvalidInputError(
      'protectedBy',
      `is a passphrase; this store is protected by the provider ${record.provider} with ${record.keyId}`,
    );
  }
  using result = await provider.decrypt({
    keyId,
    ciphertext: Buffer.from(record.wrapped, 'base64'),
    encryptionContext: contextOf(storeId),
  });
  if (result.plaintext.length !== KEY_LENGTH) throw changed(location);
  return new StoreKey(storeId, copyBytes(result.plaintext));
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function wrapWithProvider(
  storeId: string,
  storeKey: StoreKey,
  provider: KeyWrapProvider,
  keyId: string,
): Promise<ProviderRecord> {
  const plaintext = copyBytes(storeKey.secret);
  try {
    const encryptionContext = contextOf(storeId);
    const result = await provider.encrypt({ keyId, plaintext, encryptionContext });
    const wrapped = Buffer.from(result.ciphertext).toString('base64');
    return { by: 'provider', provider: provider.id, keyId: result.keyId, wrapped };
  } finally {
    wipe(plaintext);
  }
}

/** Returns the encryption context of the wrapped key, which binds it to this store. */
function contextOf(storeId: string): Record<string, string> {
  return { 'keywrap-store': storeId };
}

/** Every field is there: a polluted `Object.prototype` would lend those that are not. */
type Read =
  | { passphrase: string | Uint8Array; provider: undefined; keyId: undefined }
  | { passphrase: undefined; provider: KeyWrapProvider; keyId: string };

/** Checks what a caller passed. @throws {@link InvalidInputError} */
export function readProtection(protection: StoreProtection): Read {
  const names = ['passphrase', 'provider', 'keyId'] as const;
  const { passphrase, provider, keyId } = readFields(protection, 'protectedBy', names);
  const isPassphrase = typeof passphrase === 'string' || isUint8Array(passphrase);
  if (isPassphrase && provider === undefined && keyId === undefined) {
    return { passphrase, provider: undefined, keyId: undefined };
  }
  const isProvider = typeof provider === 'object' && provider !== null;
  if (passphrase === undefined && isProvider && typeof keyId === 'string') {
    return { passphrase, provider: provider as KeyWrapProvider, keyId };
  }
  throw new InvalidInputError('protectedBy', 'must be { passphrase } or { provider, keyId }');
}

function changed(location: string): DamagedStoreError {
  return new DamagedStoreError(location, 'has a protection record that was changed');
}
