import {
  IncorrectKeyError,
  InvalidCiphertextError,
  KeyNotFoundError,
  serializeEncryptionContext,
  UnsupportedOperationError,
} from '@keywrap/core';

const NONCE = 12;
const ID = 36;

const invalid = () =>
  new InvalidCiphertextError('the ciphertext or its encryption context is wrong');

/** AES-256-GCM by Web Crypto, with keys in memory: as much of a backend as a page has. */
export class WebCryptoDriver {
  id = 'web-crypto';
  capabilities = {
    algorithms: ['SYMMETRIC_DEFAULT'],
    encryptionContext: true,
    keyIdFromCiphertext: true,
    dataKeys: true,
    dataKeyPairSpecs: [],
  };
  #keys = new Map();

  async create({ keySpec, origin }) {
    if (keySpec !== 'SYMMETRIC_DEFAULT' || origin !== undefined) {
      throw new UnsupportedOperationError('a page has symmetric keys alone');
    }
    const id = crypto.randomUUID();
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]);
    const arn = `arn:page:kms:here:000000000000:key/${id}`;
    this.#keys.set(id, { id, arn, key });
    return { keyId: arn };
  }

  async encrypt({ key: name, plaintext, encryptionContext }) {
    const { id, arn, key } = this.#find(name);
    const iv = crypto.getRandomValues(new Uint8Array(NONCE));
    const additionalData = serializeEncryptionContext(encryptionContext);
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv, additionalData },
      key,
      plaintext,
    );
    const blob = new Blob([new TextEncoder().encode(id), iv, sealed]);
    return { keyId: arn, ciphertext: new Uint8Array(await blob.arrayBuffer()) };
  }

  async decrypt({ key: name, ciphertext, encryptionContext }) {
    const named = name && this.#find(name);
    const made = this.#keys.get(new TextDecoder().decode(ciphertext.subarray(0, ID)));
    if (made === undefined) throw invalid();
    if (named !== undefined && named !== made) throw new IncorrectKeyError('another key made it');
    const iv = ciphertext.subarray(ID, ID + NONCE);
    const additionalData = serializeEncryptionContext(encryptionContext);
    try {
      const opened = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv, additionalData },
        made.key,
        ciphertext.subarray(ID + NONCE),
      );
      return { keyId: made.arn, plaintext: new Uint8Array(opened) };
    } catch {
      throw invalid();
    }
  }

  describeKey({ key: name }) {
    return {
      keyId: this.#find(name).arn,
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      keyState: 'Enabled',
      origin: 'SOFTWARE',
      algorithms: ['SYMMETRIC_DEFAULT'],
      description: '',
      creationDate: new Date(0),
    };
  }

  #find(name) {
    const found = this.#keys.get(name.id);
    const isNamed = found !== undefined && (name.kind === 'key-id' || name.text === found.arn);
    if (!isNamed) throw new KeyNotFoundError(`there is no key ${name.text}`);
    return found;
  }
}
