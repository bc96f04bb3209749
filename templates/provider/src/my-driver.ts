import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import {
  assertKeyUsable,
  type DecryptRequest,
  type EncryptRequest,
  formatKeyArn,
  InvalidCiphertextError,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  type KeyRequest,
  type KeyState,
  type KeyWrapDriver,
  type ProviderCapabilities,
  parseKeyId,
  serializeEncryptionContext,
} from '@keywrap/core';

const SCOPE = { partition: 'mine', region: 'here', account: '000000000000' };

/** A key of the backend; in a real driver the material stays in the HSM or the vault. */
interface Key extends KeyDescription {
  readonly material: Uint8Array;
}

export class MyDriver implements KeyWrapDriver {
  readonly id = 'mine';
  readonly capabilities: ProviderCapabilities = {
    algorithms: ['SYMMETRIC_DEFAULT'],
    encryptionContext: true,
    keyIdFromCiphertext: false,
    dataKeys: true,
    dataKeyPairSpecs: [],
  };
  readonly #keys = new Map<string, Key>();

  encrypt({ key: name, plaintext, encryptionContext }: EncryptRequest) {
    const { keyId, material } = this.#findUsable(name);
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', material, nonce);
    cipher.setAAD(serializeEncryptionContext(encryptionContext));
    const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    return { ciphertext: Buffer.concat([nonce, ...sealed]), keyId };
  }

  decrypt({ key: name, ciphertext, encryptionContext }: DecryptRequest) {
    const { keyId, material } = this.#findUsable(name);
    try {
      const nonce = ciphertext.subarray(0, 12);
      const decipher = createDecipheriv('aes-256-gcm', material, nonce, { authTagLength: 16 });
      decipher.setAAD(serializeEncryptionContext(encryptionContext));
      decipher.setAuthTag(ciphertext.subarray(12).subarray(-16));
      const plaintext = decipher.update(ciphertext.subarray(12, -16));
      decipher.final();
      if (plaintext.length > 0) return { plaintext, keyId };
    } catch {
      // Never say why: it is the same error for damage, another key and another context.
    }
    throw new InvalidCiphertextError('the ciphertext can not be decrypted');
  }

  describeKey({ key: name }: KeyRequest): KeyDescription {
    const { material: _, ...description } = this.#find(name);
    return description;
  }

  // How keys are managed is up to you: nothing below is part of the driver interface.

  createKey(): KeyDescription {
    const keyId = formatKeyArn(randomUUID(), SCOPE);
    const key: Key = {
      keyId,
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      keyState: 'Enabled',
      origin: 'SOFTWARE',
      algorithms: ['SYMMETRIC_DEFAULT'],
      description: '',
      creationDate: new Date(),
      material: randomBytes(32),
    };
    this.#keys.set(keyId, key);
    return this.describeKey({ key: parseKeyId(keyId) });
  }

  setKeyState(keyId: string, keyState: KeyState): void {
    const key = this.#find(parseKeyId(keyId));
    this.#keys.set(key.keyId, { ...key, keyState });
  }

  #find(name: KeyName | undefined): Key {
    const keyId = name?.kind === 'key-id' ? formatKeyArn(name.id, SCOPE) : name?.text;
    const key = this.#keys.get(keyId ?? '');
    if (key === undefined) throw new KeyNotFoundError('there is no such key; check its name');
    return key;
  }

  #findUsable(name: KeyName | undefined): Key {
    const key = this.#find(name);
    assertKeyUsable(key, 'SYMMETRIC_DEFAULT');
    return key;
  }
}
