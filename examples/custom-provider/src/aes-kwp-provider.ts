import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import {
  AbstractKeyWrapProvider,
  assertKeyUsable,
  type DecryptOutput,
  type LegacyDecryptRequest as DecryptRequest,
  type EncryptOutput,
  type LegacyEncryptRequest as EncryptRequest,
  formatKeyArn,
  IncorrectKeyError,
  InvalidCiphertextError,
  type KeyDescription,
  KeyNotFoundError,
  type KeyState,
  type ProviderCapabilities,
  parseKeyId,
  wipe,
} from '@keywrap/core';

// AES key wrap with padding: RFC 5649, which is KWP in NIST SP 800-38F §6.3.
const CIPHER = 'id-aes256-wrap-pad';
// The alternative initial value (RFC 5649 §3); OpenSSL fills in the length itself.
const AIV = Buffer.from('A65959A6', 'hex');
// KWP has no nonce: the same input gives the same output. 128 random bits before the plaintext, which
// are wrapped with it, make two wrappings of one data key differ.
const RANDOM_LENGTH = 16;
const ID_LENGTH = 36;

/** What this provider keeps of a key. */
interface WrappingKey {
  readonly id: string;
  readonly kek: Uint8Array;
  readonly creationDate: Date;
  keyState: KeyState;
}

/**
 * Wraps data keys with AES-256 key wrap with padding. A blob is the id of the key (36 characters)
 * followed by what KWP makes. An example of a provider that is written from the public API alone: not
 * for real use, its keys are in memory.
 */
export class AesKwpProvider extends AbstractKeyWrapProvider {
  readonly id = 'aes-kwp';
  readonly capabilities: ProviderCapabilities = {
    algorithms: ['SYMMETRIC_DEFAULT'],
    encryptionContext: false,
    keyIdFromCiphertext: true,
    dataKeys: true,
    dataKeyPairSpecs: [],
  };
  readonly #keys = new Map<string, WrappingKey>();

  /** Makes a key and returns its ARN. */
  createKey(): string {
    const id = randomUUID();
    const creationDate = new Date();
    this.#keys.set(id, { id, kek: randomBytes(32), creationDate, keyState: 'Enabled' });
    return arnOf(id);
  }

  /** Switches a key off, or on again. */
  setKeyState(keyId: string, keyState: 'Enabled' | 'Disabled'): void {
    this.#find(keyId).keyState = keyState;
  }

  protected override async doEncrypt(request: EncryptRequest): Promise<EncryptOutput> {
    const key = this.#findUsable(request.keyId);
    const cipher = createCipheriv(CIPHER, key.kek, AIV);
    const padded = Buffer.concat([randomBytes(RANDOM_LENGTH), request.plaintext]);
    const wrapped = Buffer.concat([Buffer.from(key.id), cipher.update(padded), cipher.final()]);
    wipe(padded);
    return { ciphertext: wrapped, keyId: arnOf(key.id) };
  }

  protected override async doDecrypt(request: DecryptRequest): Promise<DecryptOutput> {
    const named = request.keyId === undefined ? undefined : this.#findUsable(request.keyId);
    const id = Buffer.from(request.ciphertext.subarray(0, ID_LENGTH)).toString('latin1');
    if (!this.#keys.has(id)) throw new InvalidCiphertextError('the ciphertext does not open');
    const key = this.#findUsable(id);
    if (named !== undefined && named !== key) {
      throw new IncorrectKeyError('another key made this ciphertext than the one that is named');
    }
    const padded = unwrap(key.kek, request.ciphertext.subarray(ID_LENGTH));
    if (padded.length <= RANDOM_LENGTH) {
      throw new InvalidCiphertextError('the ciphertext does not open');
    }
    const plaintext = padded.slice(RANDOM_LENGTH);
    wipe(padded);
    return { plaintext, keyId: arnOf(key.id) };
  }

  protected override async doDescribeKey(keyId: string): Promise<KeyDescription> {
    return describe(this.#find(keyId));
  }

  protected override async doClose(): Promise<void> {
    for (const { kek } of this.#keys.values()) wipe(kek);
    this.#keys.clear();
  }

  #find(keyId: string): WrappingKey {
    const name = parseKeyId(keyId);
    const key = 'id' in name ? this.#keys.get(name.id) : undefined;
    const isHere = name.kind !== 'key-arn' || keyId === arnOf(name.id);
    if (key === undefined || !isHere) throw new KeyNotFoundError('there is no such key');
    return key;
  }

  #findUsable(keyId: string): WrappingKey {
    const key = this.#find(keyId);
    assertKeyUsable(describe(key), 'SYMMETRIC_DEFAULT');
    return key;
  }
}

/** @throws {@link InvalidCiphertextError} for whatever does not unwrap, without saying why. */
function unwrap(kek: Uint8Array, wrapped: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv(CIPHER, kek, AIV);
    const start = decipher.update(wrapped);
    const end = decipher.final();
    const padded = new Uint8Array(start.length + end.length);
    padded.set(start);
    padded.set(end, start.length);
    wipe(start);
    return padded;
  } catch {
    throw new InvalidCiphertextError('the ciphertext does not open');
  }
}

function describe({ id, keyState, creationDate }: WrappingKey): KeyDescription {
  return {
    keyId: arnOf(id),
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    keyState,
    origin: 'AWS_KMS',
    algorithms: ['SYMMETRIC_DEFAULT'],
    description: 'AES-256 key wrap with padding',
    creationDate,
  };
}

function arnOf(id: string): string {
  return formatKeyArn(id, { partition: 'example', region: 'here', account: '000000000000' });
}
