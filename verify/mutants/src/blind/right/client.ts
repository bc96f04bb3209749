import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import {
  AccessDeniedError,
  type AsymmetricAlgorithm,
  assertKeyEnabled,
  assertKeyUsable,
  type Call,
  type DataKeyOutput,
  type DataKeyPairOutput,
  type DataKeyPairRequest,
  type DataKeyRequest,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  encryptionAlgorithmsOf,
  IncorrectKeyError,
  InvalidCiphertextError,
  InvalidInputError,
  isAsymmetricAlgorithm,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  type KeyRequest,
  type KeyWrapDriver,
  type KeyWrapError,
  maximumPlaintextLength,
  type ProviderCapabilities,
  type PublicKeyResult,
  type RsaKeySpec,
  rsaModulusLength,
  serializeEncryptionContext,
  ThrottledError,
  UnsupportedOperationError,
} from '@keywrap/core';
import { type Hsm, HsmError, type HsmKey, SCOPE } from './hsm.js';
import type { Pair } from './pairs.js';

/** 1 byte of format, 16 of the key's id, 2 of its version, 4 of a checksum. */
export const HEADER = 23;
export const NONCE = 12;
export const TAG = 16;

const CAPABILITIES: ProviderCapabilities = {
  algorithms: ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  encryptionContext: true,
  keyIdFromCiphertext: true,
  dataKeys: true,
  dataKeyPairSpecs: [
    'RSA_2048',
    'RSA_3072',
    'RSA_4096',
    'ECC_NIST_P256',
    'ECC_NIST_P384',
    'ECC_NIST_P521',
    'ECC_SECG_P256K1',
  ],
};

/** A correct driver over the HSM. Its steps are apart, so that a broken one differs in one of them. */
export class Client implements KeyWrapDriver {
  readonly id: string = 'hsm';
  readonly capabilities = CAPABILITIES;
  protected readonly hsm: Hsm;

  constructor(hsm: Hsm) {
    this.hsm = hsm;
  }

  async encrypt(request: EncryptRequest, _call: Call): Promise<EncryptOutput> {
    const key = await this.use(request.key, request.algorithm);
    const { plaintext, algorithm } = request;
    if (isAsymmetricAlgorithm(algorithm)) {
      const maximum = maximumPlaintextLength(algorithm, key.spec as RsaKeySpec);
      if (plaintext.length > maximum) throw this.tooLong(plaintext, maximum);
      return { ciphertext: this.sealRsa(key, plaintext, algorithm), keyId: key.arn };
    }
    const version = this.latest(key);
    const ciphertext = this.seal(key, version, plaintext, request.encryptionContext);
    return { ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }

  async decrypt(request: DecryptRequest, _call: Call): Promise<DecryptOutput> {
    const { key: name, algorithm, ciphertext } = request;
    const named = name && (await this.use(name, algorithm));
    if (named !== undefined && isAsymmetricAlgorithm(algorithm)) {
      return { plaintext: this.openRsa(named, ciphertext, algorithm), keyId: named.arn };
    }
    if (named === undefined) await this.hsm.request();
    const { key, version } = this.identify(ciphertext, named);
    if (named !== undefined && named !== key) {
      throw new IncorrectKeyError('another key made this ciphertext', { keyId: named.arn });
    }
    this.usable(key, algorithm);
    const plaintext = this.open(key, version, ciphertext, request.encryptionContext);
    return { plaintext, keyId: key.arn, keyVersion: `${version}` };
  }

  async generateDataKey(request: DataKeyRequest, call: Call): Promise<DataKeyOutput> {
    const plaintext = this.dataKey(request.numberOfBytes);
    const { key, algorithm, encryptionContext } = request;
    const wrapped = await this.encrypt({ key, algorithm, encryptionContext, plaintext }, call);
    return { ...wrapped, plaintext };
  }

  async generateDataKeyPair(request: DataKeyPairRequest, call: Call): Promise<DataKeyPairOutput> {
    const { key, algorithm, encryptionContext } = request;
    const { publicKey, privateKey } = await this.pair(request);
    const wrapped = await this.encrypt(
      { key, algorithm, encryptionContext, plaintext: privateKey },
      call,
    );
    const { ciphertext: privateKeyCiphertext, keyId, keyVersion } = wrapped;
    return { publicKey, privateKey, privateKeyCiphertext, keyId, keyVersion };
  }

  async getPublicKey({ key: name }: KeyRequest): Promise<PublicKeyResult> {
    await this.hsm.request();
    const key = this.find(name);
    this.hsm.allow('use', key);
    const { keyId, keySpec, keyUsage, algorithms } = this.description(key);
    assertKeyEnabled(this.description(key));
    if (key.pair === undefined) throw new UnsupportedOperationError('the key has no public half');
    return { publicKey: key.pair.publicKey, keyId, keySpec, keyUsage, algorithms };
  }

  async describeKey({ key: name }: KeyRequest): Promise<KeyDescription> {
    await this.hsm.request();
    const key = this.find(name);
    this.hsm.allow('describe', key);
    return this.description(key);
  }

  mapError(error: unknown, _step: string): KeyWrapError | undefined {
    if (!(error instanceof HsmError)) return undefined;
    const options = { cause: error };
    if (error.status === 429) return new ThrottledError('the HSM is busy; retry later', options);
    if (error.status === 403) return new AccessDeniedError('the HSM refused this', options);
    return undefined;
  }

  close(): void | Promise<void> {}

  // Keys

  protected find(name: KeyName): HsmKey {
    const isElsewhere =
      'partition' in name &&
      (name.partition !== SCOPE.partition ||
        name.region !== SCOPE.region ||
        name.account !== SCOPE.account);
    const id = 'alias' in name ? this.hsm.aliases.get(name.alias) : name.id;
    const key = isElsewhere ? undefined : this.hsm.keys.get(id ?? '');
    if (key === undefined) throw new KeyNotFoundError('there is no such key');
    return key;
  }

  protected async use(name: KeyName, algorithm: EncryptionAlgorithm): Promise<HsmKey> {
    await this.hsm.request();
    const key = this.find(name);
    this.usable(key, algorithm);
    return key;
  }

  protected usable(key: HsmKey, algorithm: EncryptionAlgorithm): void {
    this.hsm.allow('use', key);
    assertKeyUsable(this.description(key), algorithm);
  }

  protected description(key: HsmKey): KeyDescription {
    return {
      keyId: key.arn,
      keySpec: key.spec,
      keyUsage: key.usage,
      keyState: key.state,
      origin: key.origin,
      algorithms: encryptionAlgorithmsOf(key.spec, key.usage),
      description: '',
      creationDate: key.creationDate,
      deletionDate: key.deletionDate,
    };
  }

  protected latest(key: HsmKey): number {
    return Math.max(...key.versions.keys());
  }

  // Randomness

  protected nonce(_key: HsmKey, _context: EncryptionContext): Uint8Array {
    return randomBytes(NONCE);
  }

  protected dataKey(numberOfBytes: number): Uint8Array<ArrayBuffer> {
    return crypto.getRandomValues(new Uint8Array(new ArrayBuffer(numberOfBytes)));
  }

  protected pair({ keyPairSpec }: DataKeyPairRequest): Promise<Pair> {
    return this.hsm.pairs(keyPairSpec);
  }

  // Symmetric ciphertexts: header, nonce, sealed plaintext, tag

  protected header(key: HsmKey, version: number): Buffer {
    const head = Buffer.alloc(HEADER - 4);
    head[0] = 0xb1;
    Buffer.from(key.id.replaceAll('-', ''), 'hex').copy(head, 1);
    head.writeUInt16BE(version, 17);
    return Buffer.concat([head, checksum(head)]);
  }

  /**
   * The key that a ciphertext names.
   *
   * @throws AccessDeniedError for a key that is not here, and IncorrectKeyError if the caller named another.
   */
  protected identify(ciphertext: Uint8Array, named?: HsmKey): { key: HsmKey; version: number } {
    const blob = Buffer.from(ciphertext);
    const head = blob.subarray(0, HEADER - 4);
    const isOurs =
      blob.length > HEADER + NONCE + TAG &&
      head[0] === 0xb1 &&
      checksum(head).equals(blob.subarray(HEADER - 4, HEADER));
    if (!isOurs) throw doesNotOpen();
    const hex = head.toString('hex', 1, 17);
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const key = this.hsm.keys.get(id);
    if (key === undefined && named !== undefined) {
      throw new IncorrectKeyError('another key made this ciphertext', { keyId: named.arn });
    }
    if (key === undefined) throw new AccessDeniedError('the key of the ciphertext is not here');
    return { key, version: head.readUInt16BE(17) };
  }

  protected additionalData(header: Uint8Array, context: EncryptionContext): Uint8Array {
    return Buffer.concat([header, this.serialized(context)]);
  }

  protected serialized(context: EncryptionContext): Uint8Array {
    return serializeEncryptionContext(context);
  }

  protected seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
    nonce = this.nonce(key, context),
  ): Uint8Array {
    const header = this.header(key, version);
    const material = key.versions.get(version) as Uint8Array;
    const cipher = createCipheriv('aes-256-gcm', material, nonce);
    cipher.setAAD(this.additionalData(header, context));
    const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    return own(Buffer.concat([header, nonce, ...sealed]));
  }

  protected open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const blob = Buffer.from(ciphertext);
    const material = key.versions.get(version);
    if (material === undefined) throw doesNotOpen();
    const nonce = blob.subarray(HEADER, HEADER + NONCE);
    const decipher = createDecipheriv('aes-256-gcm', material, nonce, { authTagLength: TAG });
    decipher.setAAD(this.additionalData(blob.subarray(0, HEADER), context));
    const opened = decipher.update(blob.subarray(HEADER + NONCE, -TAG));
    decipher.setAuthTag(blob.subarray(-TAG));
    try {
      decipher.final();
    } catch {
      throw doesNotOpen();
    }
    return own(opened);
  }

  // RSA

  protected tooLong(_plaintext: Uint8Array, maximum: number): KeyWrapError {
    return new InvalidInputError('plaintext', `must have at most ${maximum} bytes`);
  }

  protected sealRsa(
    key: HsmKey,
    plaintext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    return own(publicEncrypt({ key: publicKeyOf(key), ...oaep(algorithm) }, plaintext));
  }

  protected openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    // RFC 8017 section 7.1.2 step 1b
    if (ciphertext.length !== rsaModulusLength(key.spec as RsaKeySpec)) throw doesNotOpen();
    try {
      return own(privateDecrypt({ key: privateKeyOf(key), ...oaep(algorithm) }, ciphertext));
    } catch {
      throw doesNotOpen();
    }
  }
}

export function doesNotOpen(): InvalidCiphertextError {
  return new InvalidCiphertextError('the ciphertext does not open');
}

/** A copy that owns its memory. */
export function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

export function publicKeyOf({ pair }: HsmKey) {
  const key = Buffer.from((pair as Pair).publicKey);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

export function privateKeyOf({ pair }: HsmKey) {
  const key = Buffer.from((pair as Pair).privateKey);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function oaep(algorithm: AsymmetricAlgorithm) {
  const oaepHash = algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256';
  return { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
}

export function checksum(head: Uint8Array): Buffer {
  return createHash('sha256').update(head).digest().subarray(0, 4);
}
