import { createHash } from 'node:crypto';
import {
  AccessDeniedError,
  type AliasInput,
  type AsymmetricAlgorithm,
  assertKeyEnabled,
  assertKeyUsable,
  type DataKeyPairOutput,
  type DataKeyPairRequest,
  type DecryptOutput,
  type DecryptRequest,
  ENCRYPTION_ALGORITHMS,
  type EncryptionAlgorithm,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  encryptionAlgorithmsOf,
  formatKeyArn,
  IncorrectKeyError,
  InvalidCiphertextError,
  InvalidInputError,
  isAsymmetricAlgorithm,
  isRsaKeySpec,
  type KeyDescription,
  KeyNotFoundError,
  type KeyPurpose,
  type KeyRequest,
  type KeyState,
  type KeyWrapDriver,
  maximumPlaintextLength,
  oaepHash,
  type ProviderCapabilities,
  ProviderUnavailableError,
  type PublicKeyResult,
  parseKeyId,
  type RsaKeySpec,
  rsaModulusLength,
  serializeEncryptionContext,
  ThrottledError,
  UnsupportedOperationError,
} from '@keywrap/core';
import type { ConformanceKeyRequest, ConformanceKeys, Outage } from '@keywrap/testkit';
import { type Pair, pairSource } from './key-pairs.js';

const SCOPE = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };
const HEADER = 17;
const NONCE = 12;

type Secret = CryptoKey;

export interface ReferenceKey {
  readonly description: KeyDescription;
  readonly materials: (Secret | undefined)[];
  /** The pair of the newest version of an RSA key. */
  pair?: Pair | undefined;
  /** The pairs that rotation replaced. */
  readonly oldPairs: Pair[];
  /** The rights that were taken away. */
  readonly denied: Set<'use' | 'describe'>;
  state: KeyState;
}

type CryptoKey =
  Awaited<ReturnType<typeof crypto.subtle.generateKey>> extends infer K
    ? Exclude<K, { publicKey: unknown }>
    : never;

/** The simplest correct driver: keys in memory, AES-256-GCM and RSA-OAEP by Web Crypto. */
export class ReferenceDriver implements KeyWrapDriver, ConformanceKeys {
  readonly id = 'reference';
  readonly capabilities: ProviderCapabilities;
  readonly #pairs = pairSource();
  readonly #keys = new Map<string, ReferenceKey>();
  readonly #aliases = new Map<string, string>();
  readonly #destroyed: Uint8Array[] = [];
  #outage: Outage | undefined;

  constructor(capabilities: Partial<ProviderCapabilities> = {}) {
    this.capabilities = { ...EVERYTHING, ...capabilities };
  }

  async create({ keySpec, keyUsage, origin, algorithm }: ConformanceKeyRequest) {
    if (!this.supports(keySpec)) throw new UnsupportedOperationError(`no ${keySpec} keys`);
    const keyId = formatKeyArn(this.newId(), SCOPE);
    this.#keys.set(keyId, {
      description: {
        keyId,
        keySpec,
        keyUsage,
        keyState: 'Enabled',
        origin: origin ?? 'AWS_KMS',
        algorithms:
          algorithm === undefined ? encryptionAlgorithmsOf(keySpec, keyUsage) : [algorithm],
        description: '',
        creationDate: new Date(),
      },
      materials: [await aesKey()],
      pair: isRsaKeySpec(keySpec) ? await this.#pairs(keySpec) : undefined,
      oldPairs: [],
      denied: new Set(),
      state: origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled',
    });
    return { keyId };
  }

  protected supports(keySpec: string): boolean {
    if (this.capabilities.algorithms.some(isAsymmetricAlgorithm)) return true;
    return !keySpec.startsWith('RSA') && !keySpec.startsWith('ECC');
  }

  async alias(alias: string, keyId: string) {
    this.#aliases.set(alias, keyId);
    return { alias, keyId } satisfies AliasInput;
  }
  async disable(keyId: string) {
    this.find(keyId).state = 'Disabled';
  }
  async enable(keyId: string) {
    this.find(keyId).state = 'Enabled';
  }
  async scheduleDeletion(keyId: string) {
    this.find(keyId).state = 'PendingDeletion';
  }
  async cancelDeletion(keyId: string) {
    this.find(keyId).state = 'Disabled';
  }
  async restrictToDecrypt(keyId: string) {
    this.find(keyId).state = 'DecryptOnly';
  }
  async rotate(keyId: string) {
    const key = this.find(keyId);
    key.materials.push(await aesKey());
    if (key.pair === undefined) return;
    key.oldPairs.push(key.pair);
    key.pair = await this.#pairs(key.description.keySpec as RsaKeySpec);
  }
  async moveAlias(alias: string, keyId: string) {
    this.#aliases.set(alias, keyId);
  }
  async destroy(keyId: string) {
    const { description } = this.find(keyId);
    this.#keys.delete(description.keyId);
    this.#destroyed.push(idOf({ description }));
  }
  async removeOldVersions(keyId: string) {
    const { materials, oldPairs } = this.find(keyId);
    materials.fill(undefined, 0, -1);
    oldPairs.length = 0;
  }
  async deleteSoftly(keyId: string) {
    await this.scheduleDeletion(keyId);
  }
  async createForeign() {
    return this.create({ keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC' });
  }
  async deny(keyId: string, right: 'use' | 'describe') {
    this.find(keyId).denied.add(right);
  }

  /** Breaks the driver, until it is called with `undefined`. */
  fail(outage: Outage | undefined): void {
    this.#outage = outage;
  }

  find(keyId: string): ReferenceKey {
    this.#expectBackend();
    const parsed = parseKeyId(keyId);
    const isHere =
      !('region' in parsed) ||
      (parsed.partition === SCOPE.partition &&
        parsed.region === SCOPE.region &&
        parsed.account === SCOPE.account);
    const arn =
      'alias' in parsed
        ? this.#aliases.get(this.comparable(parsed.alias))
        : formatKeyArn(this.comparable(parsed.id), SCOPE);
    const key = isHere ? this.#keys.get(arn ?? '') : undefined;
    if (key === undefined) throw new KeyNotFoundError('there is no such key', { keyId });
    return key;
  }

  #expectBackend(): void {
    if (this.#outage === 'throttled') throw new ThrottledError('too many requests');
    if (this.#outage === 'denied') throw new AccessDeniedError('not allowed');
    if (this.#outage === 'unavailable') throw new ProviderUnavailableError('no response');
    if (this.#outage === 'failed') throw new ProviderUnavailableError('the backend failed');
  }

  /** The key whose id a ciphertext begins with; `named` is the one that the call named. */
  madeBy(ciphertext: Uint8Array, named?: ReferenceKey): ReferenceKey | undefined {
    this.#expectBackend();
    const header = ciphertext.subarray(0, HEADER);
    if (this.#destroyed.some((id) => Buffer.compare(header.subarray(0, 16), id) === 0)) {
      if (named !== undefined) throw new IncorrectKeyError('another key made this ciphertext');
      throw new AccessDeniedError('the ciphertext names a key that does not exist');
    }
    return [...this.#keys.values()].find((each) => sameId(header, each));
  }

  protected enabled(key: ReferenceKey): void {
    if (key.denied.has('use')) throw new AccessDeniedError('not allowed to use the key');
    assertKeyEnabled({ ...key.description, keyState: key.state });
  }

  protected usable(
    key: ReferenceKey,
    algorithm: EncryptionAlgorithm,
    purpose: KeyPurpose = 'encrypt',
  ): void {
    if (key.denied.has('use')) throw new AccessDeniedError('not allowed to use the key');
    assertKeyUsable({ ...key.description, keyState: key.state }, algorithm, purpose);
  }

  async encrypt(request: EncryptRequest): Promise<EncryptOutput> {
    const { algorithm, plaintext } = request;
    const key = this.find(request.key.text);
    this.usable(key, algorithm);
    const { keyId, keySpec } = key.description;
    if (isAsymmetricAlgorithm(algorithm)) {
      const maximum = maximumPlaintextLength(algorithm, keySpec as RsaKeySpec);
      if (plaintext.length > maximum) {
        throw new InvalidInputError('plaintext', `must have at most ${maximum} bytes`);
      }
      return { ciphertext: await this.seal(key, plaintext, algorithm), keyId };
    }
    const header = this.headerOf(key);
    const nonce = this.nonce();
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: this.authenticated(header, request) },
      this.materialOf(key, header) as Secret,
      copy(plaintext),
    );
    return {
      ciphertext: join(header, nonce, new Uint8Array(sealed)),
      keyId,
      keyVersion: `${header[16]}`,
    };
  }

  async decrypt(request: DecryptRequest): Promise<DecryptOutput> {
    const { algorithm, ciphertext } = request;
    const named = request.key === undefined ? undefined : this.find(request.key.text);
    if (named !== undefined) this.usable(named, algorithm, 'decrypt');
    if (named !== undefined && isAsymmetricAlgorithm(algorithm)) {
      const plaintext = await this.openByAny(named, ciphertext, algorithm);
      return { plaintext, keyId: named.description.keyId };
    }
    const header = ciphertext.subarray(0, HEADER);
    const key = this.madeBy(ciphertext, named);
    if (key === undefined) throw new InvalidCiphertextError(DOES_NOT_OPEN);
    this.checkKey(named, key);
    this.usable(key, algorithm, 'decrypt');
    const material = this.materialOf(key, header);
    if (material === undefined) throw new InvalidCiphertextError(DOES_NOT_OPEN);
    try {
      const iv = copy(ciphertext.subarray(HEADER, HEADER + NONCE));
      const additionalData = this.authenticated(header, request);
      const plaintext = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv, additionalData },
        material,
        copy(ciphertext.subarray(HEADER + NONCE)),
      );
      const { keyId } = key.description;
      return { plaintext: new Uint8Array(plaintext), keyId, keyVersion: `${header[16]}` };
    } catch {
      throw new InvalidCiphertextError(DOES_NOT_OPEN);
    }
  }

  protected checkKey(named: ReferenceKey | undefined, made: ReferenceKey): void {
    if (named === undefined || named === made) return;
    if (!this.capabilities.keyIdFromCiphertext) throw new InvalidCiphertextError(DOES_NOT_OPEN);
    throw new IncorrectKeyError('another key made this ciphertext', {
      keyId: named.description.keyId,
    });
  }

  async describeKey(request: KeyRequest): Promise<KeyDescription> {
    const { description, state, denied } = this.find(request.key.text);
    if (denied.has('describe')) throw new AccessDeniedError('not allowed to describe the key');
    const deletionDate =
      state === 'PendingDeletion' ? new Date(Date.now() + 7 * 86_400_000) : undefined;
    return { ...description, keyState: state, deletionDate };
  }

  async getPublicKey(request: KeyRequest): Promise<PublicKeyResult> {
    const key = this.find(request.key.text);
    const { keySpec, keyUsage, algorithms } = key.description;
    this.enabled(key);
    if (key.pair === undefined) throw new UnsupportedOperationError('it has no public key');
    const publicKey = key.pair.publicKey.slice();
    return { publicKey, keyId: key.description.keyId, keySpec, keyUsage, algorithms };
  }

  async generateDataKeyPair({
    keyPairSpec,
    ...target
  }: DataKeyPairRequest): Promise<DataKeyPairOutput> {
    const { publicKey, privateKey } = await this.#pairs(keyPairSpec);
    const sealed = await this.encrypt({ ...target, plaintext: privateKey });
    const { ciphertext: privateKeyCiphertext, keyId, keyVersion } = sealed;
    return { publicKey, privateKey, privateKeyCiphertext, keyId, keyVersion };
  }

  // What follows is apart so that a broken driver can differ in one thing.

  /** What a key id or an alias is found by. */
  protected comparable(name: string): string {
    return name;
  }

  protected newId(): string {
    return crypto.randomUUID();
  }

  protected nonce(): Uint8Array<ArrayBuffer> {
    return crypto.getRandomValues(new Uint8Array(NONCE));
  }

  protected headerOf(key: ReferenceKey): Uint8Array<ArrayBuffer> {
    const header = new Uint8Array(HEADER);
    header.set(idOf(key));
    header[16] = key.materials.length - 1;
    return header;
  }

  protected materialOf(key: ReferenceKey, header: Uint8Array): Secret | undefined {
    return key.materials[header[16] ?? -1];
  }

  protected authenticated(
    header: Uint8Array,
    { encryptionContext }: { readonly encryptionContext: EncryptionContext },
  ): Uint8Array<ArrayBuffer> {
    return join(header, serializeEncryptionContext(encryptionContext));
  }

  protected lengthOf(key: ReferenceKey): number {
    return rsaModulusLength(key.description.keySpec as RsaKeySpec);
  }

  protected async seal(key: ReferenceKey, plaintext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    const parameters = oaep(algorithm);
    const spki = copy(key.pair?.publicKey ?? new Uint8Array());
    const imported = await crypto.subtle.importKey('spki', spki, parameters, false, ['encrypt']);
    return new Uint8Array(await crypto.subtle.encrypt(parameters, imported, copy(plaintext)));
  }

  /** Tries the newest version first: a ciphertext of an outside party does not name its version. */
  protected async openByAny(
    key: ReferenceKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Promise<Uint8Array> {
    try {
      return await this.open(key, ciphertext, algorithm);
    } catch (error) {
      for (const pair of key.oldPairs) {
        const opened = this.open({ ...key, pair }, ciphertext, algorithm);
        const plaintext = await opened.catch(() => undefined);
        if (plaintext !== undefined) return plaintext;
      }
      throw error;
    }
  }

  protected async open(
    key: ReferenceKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Promise<Uint8Array> {
    const parameters = oaep(algorithm);
    const pkcs8 = copy(key.pair?.privateKey ?? new Uint8Array());
    // RFC 8017 section 7.1.2 step 1b; OpenSSL takes a ciphertext without its leading zeros.
    if (ciphertext.length !== this.lengthOf(key)) throw new InvalidCiphertextError(DOES_NOT_OPEN);
    const imported = await crypto.subtle.importKey('pkcs8', pkcs8, parameters, false, ['decrypt']);
    try {
      return new Uint8Array(await crypto.subtle.decrypt(parameters, imported, copy(ciphertext)));
    } catch {
      throw new InvalidCiphertextError(DOES_NOT_OPEN);
    }
  }
}

const DOES_NOT_OPEN = 'the ciphertext does not open';

const EVERYTHING: ProviderCapabilities = {
  algorithms: ENCRYPTION_ALGORITHMS,
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

function aesKey(): Promise<Secret> {
  const usages = ['encrypt', 'decrypt'] as const;
  return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, usages);
}

function oaep(algorithm: AsymmetricAlgorithm) {
  return { name: 'RSA-OAEP', hash: oaepHash(algorithm) };
}

function idOf({ description }: Pick<ReferenceKey, 'description'>): Uint8Array {
  return createHash('sha256').update(description.keyId).digest().subarray(0, 16);
}

function sameId(header: Uint8Array, key: ReferenceKey): boolean {
  return Buffer.compare(header.subarray(0, 16), idOf(key)) === 0;
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}
