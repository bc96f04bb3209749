import { randomBytes } from 'node:crypto';
import { wipe } from '@keywrap/core';
import { type CryptoEngine, openWithNonce, sealWithNonce } from '@keywrap/provider-local/driver';
import { KmsError } from '../protocol/kms-error.js';

/** The content of an import token. */
export interface ImportParameters {
  readonly wrappingAlgorithm: WrappingAlgorithm;
  /** The end of the token's validity. */
  readonly validTo: Date;
  /** The private wrapping key: DER of PKCS#8. */
  readonly privateKey: Uint8Array;
}

/** The algorithms that wrap key material ([wrapping algorithms](https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html)). */
export type WrappingAlgorithm = `${'RSAES_OAEP' | 'RSA_AES_KEY_WRAP'}_SHA_${1 | 256}`;

/**
 * Seals and opens import tokens. A token holds the private wrapping key, encrypted, so the server keeps
 * nothing for tokens that are never used. Tokens of a server with another key, or of this one before a restart,
 * are not valid.
 */
export class ImportTokens {
  readonly #key: ReturnType<CryptoEngine['loadAesKey']>;

  /** @param key 32 bytes, wiped once loaded; servers with the same key accept each other's tokens. */
  constructor(engine: CryptoEngine, key: Uint8Array = randomBytes(32)) {
    this.#key = engine.loadAesKey(key);
    wipe(key);
  }

  /** Wipes the key: no token is made or valid afterwards. */
  close(): void {
    this.#key.destroy();
  }

  /** @param keyArn The key that the material is for. */
  seal(keyArn: string, { privateKey, ...rest }: ImportParameters): Uint8Array {
    const encoded = { ...rest, privateKey: Buffer.from(privateKey).toString('base64') };
    const text = Buffer.from(JSON.stringify(encoded));
    const token = sealWithNonce(this.#key, text, Buffer.from(keyArn));
    wipe(text);
    return token;
  }

  /** The caller wipes the private key. @throws KmsError `InvalidImportTokenException`, `ExpiredImportTokenException` */
  open(token: Uint8Array, keyArn: string, now: Date): ImportParameters {
    const text = openWithNonce(this.#key, token, Buffer.from(keyArn));
    if (text === undefined) throw new KmsError('InvalidImportTokenException');
    const { validTo, privateKey, ...rest } = JSON.parse(new TextDecoder().decode(text));
    wipe(text);
    const parameters = {
      ...rest,
      validTo: new Date(validTo),
      privateKey: Buffer.from(privateKey, 'base64'),
    };
    if (parameters.validTo > now) return parameters;
    wipe(parameters.privateKey);
    throw new KmsError('ExpiredImportTokenException');
  }
}
