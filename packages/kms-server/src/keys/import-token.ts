import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { wipe } from '@keywrap/core';
import { KmsError } from '../protocol/kms-error.js';

/** The content of an import token. */
export interface ImportParameters {
  /** The key that the material is for. */
  readonly keyArn: string;
  readonly wrappingAlgorithm: WrappingAlgorithm;
  /** The end of the token's validity. */
  readonly validTo: Date;
  /** The private wrapping key: DER of PKCS#8. */
  readonly privateKey: Uint8Array;
}

/** The algorithms that wrap key material ([wrapping algorithms](https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html)). */
export type WrappingAlgorithm = `${'RSAES_OAEP' | 'RSA_AES_KEY_WRAP'}_SHA_${1 | 256}`;

const CIPHER = 'aes-256-gcm';
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/**
 * Seals and opens import tokens. A token holds the private wrapping key, encrypted, so the server keeps
 * nothing for tokens that are never used. Tokens of a server with another key, or of this one before a restart,
 * are not valid.
 */
export class ImportTokens {
  readonly #key: Uint8Array;

  /** @param key 32 bytes, which change owner; servers with the same key accept each other's tokens. */
  constructor(key: Uint8Array = randomBytes(32)) {
    this.#key = key;
  }

  /** Wipes the key: no token is valid afterwards. */
  close(): void {
    wipe(this.#key);
  }

  seal({ privateKey, ...rest }: ImportParameters): Uint8Array {
    const text = JSON.stringify({
      ...rest,
      privateKey: Buffer.from(privateKey).toString('base64'),
    });
    const nonce = randomBytes(NONCE_LENGTH);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  }

  /** The caller wipes the private key. @throws KmsError `InvalidImportTokenException`, `ExpiredImportTokenException` */
  open(token: Uint8Array, keyArn: string, now: Date): ImportParameters {
    const parameters = this.#decrypt(token);
    if (parameters?.keyArn !== keyArn) throw new KmsError('InvalidImportTokenException');
    if (parameters.validTo <= now) throw new KmsError('ExpiredImportTokenException');
    return parameters;
  }

  #decrypt(token: Uint8Array): ImportParameters | undefined {
    if (token.length < NONCE_LENGTH + TAG_LENGTH) return undefined;
    const end = token.length - TAG_LENGTH;
    const decipher = createDecipheriv(CIPHER, this.#key, token.subarray(0, NONCE_LENGTH), {
      authTagLength: TAG_LENGTH,
    });
    decipher.setAuthTag(token.subarray(end));
    try {
      const text = decipher.update(token.subarray(NONCE_LENGTH, end));
      decipher.final();
      const { validTo, privateKey, ...rest } = JSON.parse(text.toString());
      wipe(text);
      return {
        ...rest,
        validTo: new Date(validTo),
        privateKey: Buffer.from(privateKey, 'base64'),
      };
    } catch {
      return undefined;
    }
  }
}
