import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type KeyWrapProvider, reEncryptAcross } from '@keywrap/core';

/** A customer's record as the service stores it: encrypted under a data key of its own. */
export interface StoredRecord {
  readonly customer: string;
  /** The data key, wrapped by the backend of the day. */
  readonly wrappedKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

/** A key of one backend. */
export interface WrappingKey {
  readonly provider: KeyWrapProvider;
  readonly keyId: string;
}

const CIPHER = 'aes-256-gcm';
const TAG_LENGTH = 16;

/** Encrypts a record. Its wrapped key is bound to the customer. */
export async function store(
  { provider, keyId }: WrappingKey,
  customer: string,
  text: string,
): Promise<StoredRecord> {
  using dataKey = await provider.generateDataKey({
    keyId,
    keySpec: 'AES_256',
    encryptionContext: { customer },
  });
  const nonce = randomBytes(12);
  const cipher = createCipheriv(CIPHER, dataKey.plaintext, nonce);
  const sealed = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  return { customer, wrappedKey: dataKey.ciphertext, nonce, sealed };
}

/** Decrypts a record. */
export async function read(
  { provider, keyId }: WrappingKey,
  { customer, wrappedKey, nonce, sealed }: StoredRecord,
): Promise<string> {
  const encryptionContext = { customer };
  using dataKey = await provider.decrypt({ keyId, ciphertext: wrappedKey, encryptionContext });
  const decipher = createDecipheriv(CIPHER, dataKey.plaintext, nonce);
  decipher.setAuthTag(sealed.subarray(-TAG_LENGTH));
  const text = decipher.update(sealed.subarray(0, -TAG_LENGTH), undefined, 'utf8');
  return text + decipher.final('utf8');
}

/** Moves the wrapped key of a record to another backend. The record itself stays as it is. */
export async function move(
  from: WrappingKey,
  to: WrappingKey,
  record: StoredRecord,
): Promise<StoredRecord> {
  const encryptionContext = { customer: record.customer };
  const { ciphertext } = await reEncryptAcross({
    ciphertext: record.wrappedKey,
    source: { provider: from.provider, keyId: from.keyId, encryptionContext },
    destination: { provider: to.provider, keyId: to.keyId, encryptionContext },
  });
  return { ...record, wrappedKey: ciphertext };
}
