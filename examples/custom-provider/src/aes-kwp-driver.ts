import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import {
  assertKeyUsable,
  type DecryptRequest,
  type EncryptRequest,
  formatKeyArn,
  IncorrectKeyError,
  InvalidCiphertextError,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  type KeyRequest,
  type KeyWrapDriver,
  wipe,
} from '@keywrap/core';

// AES key wrap with padding: RFC 5649, which is KWP in NIST SP 800-38F §6.3.
const CIPHER = 'id-aes256-wrap-pad';
// The alternative initial value (RFC 5649 §3); OpenSSL fills in the length itself.
const AIV = Buffer.from('A65959A6', 'hex');
// KWP has no nonce: the same input has the same output. 128 random bits before the plaintext, which
// are wrapped with it, make two wrappings of one data key differ.
const RANDOM_LENGTH = 16;
const ID_LENGTH = 36;

interface WrappingKey extends KeyDescription {
  readonly id: string;
  readonly kek: Uint8Array;
}

/**
 * Wraps data keys with AES-256 key wrap with padding. A blob is the id of the key (36 characters)
 * followed by the output of KWP. An example of a driver that uses the public API alone: not for real
 * use, its keys are in memory.
 */
export class AesKwpDriver implements KeyWrapDriver {
  readonly id = 'aes-kwp';
  readonly capabilities = {
    algorithms: ['SYMMETRIC_DEFAULT'],
    encryptionContext: false,
    keyIdFromCiphertext: true,
    dataKeys: true,
    dataKeyPairSpecs: [],
  } as const;
  readonly #keys = new Map<string, WrappingKey>();

  /** Makes a key and returns its ARN. */
  createKey(): string {
    const id = randomUUID();
    const keyId = formatKeyArn(id, {
      partition: 'example',
      region: 'here',
      account: '000000000000',
    });
    this.#keys.set(id, {
      id,
      kek: randomBytes(32),
      keyId,
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      keyState: 'Enabled',
      origin: 'AWS_KMS',
      algorithms: ['SYMMETRIC_DEFAULT'],
      description: 'AES-256 key wrap with padding',
      creationDate: new Date(),
    });
    return keyId;
  }

  /** Disables a key, or enables it again. */
  setKeyState(key: KeyName, keyState: 'Enabled' | 'Disabled'): void {
    const found = this.#find(key);
    this.#keys.set(found.id, { ...found, keyState });
  }

  encrypt({ key: name, plaintext }: EncryptRequest) {
    const key = this.#find(name);
    assertKeyUsable(key, 'SYMMETRIC_DEFAULT');
    const cipher = createCipheriv(CIPHER, key.kek, AIV);
    const padded = Buffer.concat([randomBytes(RANDOM_LENGTH), plaintext]);
    const wrapped = Buffer.concat([Buffer.from(key.id), cipher.update(padded), cipher.final()]);
    wipe(padded);
    return { ciphertext: wrapped, keyId: key.keyId };
  }

  decrypt({ key: name, ciphertext }: DecryptRequest) {
    const named = name && this.#find(name);
    if (named !== undefined) assertKeyUsable(named, 'SYMMETRIC_DEFAULT');
    const id = Buffer.from(ciphertext.subarray(0, ID_LENGTH)).toString('latin1');
    const key = this.#keys.get(id);
    if (key === undefined) throw new InvalidCiphertextError('the ciphertext does not open');
    if (named !== undefined && named !== key) {
      throw new IncorrectKeyError('another key made this ciphertext than the one that is named');
    }
    assertKeyUsable(key, 'SYMMETRIC_DEFAULT');
    return { plaintext: unwrap(key.kek, ciphertext.subarray(ID_LENGTH)), keyId: key.keyId };
  }

  describeKey({ key }: KeyRequest): KeyDescription {
    const { id: _, kek: __, ...description } = this.#find(key);
    return description;
  }

  close(): void {
    for (const { kek } of this.#keys.values()) wipe(kek);
    this.#keys.clear();
  }

  #find(name: KeyName): WrappingKey {
    const id = name.kind === 'key-id' || name.kind === 'key-arn' ? name.id : '';
    const key = this.#keys.get(id);
    if (key !== undefined && (name.kind === 'key-id' || name.text === key.keyId)) return key;
    throw new KeyNotFoundError('there is no such key');
  }
}

/** @throws {@link InvalidCiphertextError} for whatever does not unwrap, without saying why. */
function unwrap(kek: Uint8Array, wrapped: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv(CIPHER, kek, AIV);
    const start = decipher.update(wrapped);
    const padded = Buffer.concat([start, decipher.final()]);
    wipe(start);
    if (padded.length > RANDOM_LENGTH) return padded.subarray(RANDOM_LENGTH);
  } catch {
    // Below, for all of them.
  }
  throw new InvalidCiphertextError('the ciphertext does not open');
}
