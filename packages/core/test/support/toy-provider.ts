import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import {
  assertKeyUsable,
  type DecryptRequest,
  DriverProvider,
  type EncryptionAlgorithm,
  type EncryptRequest,
  encryptionAlgorithmsOf,
  formatKeyArn,
  IncorrectKeyError,
  InvalidCiphertextError,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  type KeyRequest,
  type KeyWrapDriver,
  type ProviderCapabilities,
  parseKeyId,
  serializeEncryptionContext,
} from '@keywrap/core';

const SCOPE = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };

interface ToyKey extends KeyDescription {
  readonly secret: Buffer | KeyObject;
}

/** A provider over {@link ToyDriver}. */
export class ToyProvider extends DriverProvider {
  readonly #driver: ToyDriver;

  constructor(driver = new ToyDriver()) {
    super(driver);
    this.#driver = driver;
  }

  addKey(...args: Parameters<ToyDriver['addKey']>): string {
    return this.#driver.addKey(...args);
  }

  moveAlias(alias: string, arn: string): void {
    this.#driver.moveAlias(alias, arn);
  }
}

/**
 * A driver small enough to read, and real: AES-256-GCM and RSA-OAEP of node:crypto. Its blob is the
 * ARN's length, the ARN, nonce, tag and ciphertext.
 */
export class ToyDriver implements KeyWrapDriver {
  readonly id: string = 'toy';
  readonly capabilities: ProviderCapabilities = {
    algorithms: ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
    encryptionContext: true,
    keyIdFromCiphertext: true,
    dataKeys: true,
    dataKeyPairSpecs: [],
  };
  readonly #keys = new Map<string, ToyKey>();
  readonly #aliases = new Map<string, string>();

  /** Makes a key and returns its ARN. */
  addKey(alias: string, change: Partial<ToyKey> & { readonly region?: string } = {}): string {
    const { region = SCOPE.region, ...fields } = change;
    const arn = formatKeyArn(fields.keyId ?? alias.replace('alias/', 'key-of-'), {
      ...SCOPE,
      region,
    });
    const keySpec = fields.keySpec ?? 'SYMMETRIC_DEFAULT';
    this.#keys.set(arn, {
      keySpec,
      keyUsage: 'ENCRYPT_DECRYPT',
      keyState: 'Enabled',
      origin: 'AWS_KMS',
      algorithms: encryptionAlgorithmsOf(keySpec, 'ENCRYPT_DECRYPT'),
      description: '',
      creationDate: new Date(0),
      secret:
        keySpec === 'RSA_2048'
          ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
          : randomBytes(32),
      ...fields,
      keyId: arn,
    });
    this.#aliases.set(alias, arn);
    return arn;
  }

  moveAlias(alias: string, arn: string): void {
    this.#aliases.set(alias, arn);
  }

  #find(name: KeyName): ToyKey {
    const arn =
      'alias' in name
        ? this.#aliases.get(name.alias)
        : [...this.#keys.keys()].find(
            (key) => key === name.text || key.endsWith(`:key/${name.text}`),
          );
    const key = arn === undefined ? undefined : this.#keys.get(arn);
    if (key === undefined) throw new KeyNotFoundError('there is no such key');
    return key;
  }

  async encrypt(request: EncryptRequest) {
    const { plaintext, algorithm, encryptionContext } = request;
    const key = this.#find(request.key);
    assertKeyUsable(key, algorithm);
    if (!Buffer.isBuffer(key.secret)) {
      const ciphertext = publicEncrypt(oaep(key.secret, algorithm), plaintext);
      return { ciphertext, keyId: key.keyId };
    }
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key.secret, nonce);
    cipher.setAAD(serializeEncryptionContext(encryptionContext));
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const name = Buffer.from(key.keyId);
    const head = Buffer.concat([Buffer.of(name.length), name, nonce, cipher.getAuthTag()]);
    return { ciphertext: Buffer.concat([head, sealed]), keyId: key.keyId };
  }

  async decrypt(request: DecryptRequest) {
    const { algorithm, ciphertext, encryptionContext } = request;
    const named = request.key === undefined ? undefined : this.#find(request.key);
    if (named !== undefined) assertKeyUsable(named, algorithm);
    try {
      if (named !== undefined && !Buffer.isBuffer(named.secret)) {
        const plaintext = privateDecrypt(oaep(named.secret, algorithm), ciphertext);
        return { plaintext, keyId: named.keyId };
      }
      const blob = Buffer.from(ciphertext);
      const end = 1 + (blob[0] ?? 0);
      const key = this.#find(parseKeyId(blob.toString('latin1', 1, end)));
      if (named !== undefined && named !== key) throw new IncorrectKeyError('made by another key');
      assertKeyUsable(key, algorithm);
      const secret = key.secret as Buffer;
      const decipher = createDecipheriv('aes-256-gcm', secret, blob.subarray(end, end + 12));
      decipher.setAAD(serializeEncryptionContext(encryptionContext));
      decipher.setAuthTag(blob.subarray(end + 12, end + 28));
      const opened = [decipher.update(blob.subarray(end + 28)), decipher.final()];
      return { plaintext: Buffer.concat(opened), keyId: key.keyId };
    } catch (error) {
      if (error instanceof Error && 'retryable' in error) throw error;
      throw new InvalidCiphertextError('the ciphertext can not be decrypted');
    }
  }

  async describeKey({ key }: KeyRequest) {
    const { secret: _, ...description } = this.#find(key);
    return description;
  }

  async getPublicKey({ key }: KeyRequest) {
    const { keyId, keySpec, keyUsage, algorithms, secret } = this.#find(key);
    const publicKey = createPublicKey(secret as KeyObject).export({ type: 'spki', format: 'der' });
    return { publicKey, keyId, keySpec, keyUsage, algorithms };
  }
}

function oaep(key: KeyObject, algorithm: EncryptionAlgorithm) {
  const oaepHash = algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256';
  return { key, oaepHash, padding: constants.RSA_PKCS1_OAEP_PADDING };
}
