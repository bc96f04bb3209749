import {
  type Awaitable,
  assertKeyEnabled,
  assertKeyUsable,
  type Call,
  type DataKeyOutput,
  type DataKeyPairOutput,
  type DataKeyPairRequest,
  type DataKeyRequest,
  type DecryptOutput,
  type DecryptRequest,
  ENCRYPTION_ALGORITHMS,
  type EncryptionAlgorithm,
  type EncryptOutput,
  type EncryptRequest,
  isAsymmetricAlgorithm,
  isDataKeyPairSpec,
  isPromise,
  isUint8Array,
  type KeyDescription,
  type KeyName,
  type KeyRequest,
  type KeyWrapDriver,
  type ProviderCapabilities,
  type PublicKeyOutput,
  UnsupportedOperationError,
  wipe,
} from '@keywrap/core';
import { type Blob, decodeBlob, unopenable } from './cipher/blob.js';
import { selectEngine } from './cipher/engines/index.js';
import { keyPairSpecsOf } from './cipher/engines/node-curves.js';
import { type Decrypted, type Encrypted, KeyCipher } from './cipher/key-cipher.js';
import { incorrectKey, unknownKey } from './cipher/unknown-key.js';
import { type LocalKeyManager, localKeyManager } from './key-manager.js';
import { Keys } from './keys/keys.js';
import { type KeyRecord, type KeyVersion, newestVersion } from './keys/record.js';
import type { KeyStore } from './keys/store.js';
import { describe, LocalKeys } from './local-keys.js';
import type { Settings } from './options.js';

/** The parts of the driver, made at the first call: loading an engine and creating keys are asynchronous. */
interface Backend {
  readonly local: LocalKeys;
  readonly keys: Keys;
  readonly cipher: KeyCipher;
}

/** The driver of the local provider: keys of a store and an engine, with the rules of AWS KMS. */
export class LocalDriver implements KeyWrapDriver<LocalKeyManager> {
  readonly id = 'local';
  readonly capabilities: ProviderCapabilities;
  readonly keys: LocalKeyManager = localKeyManager(async () => (await this.#open()).local);
  readonly #settings: Settings;
  #opening: Promise<Backend> | undefined;
  #backend: Backend | undefined;
  #store: KeyStore | undefined;

  /** Loads and creates nothing; the first call does. */
  constructor(settings: Settings) {
    this.#settings = settings;
    this.capabilities = {
      algorithms: ENCRYPTION_ALGORITHMS,
      encryptionContext: true,
      keyIdFromCiphertext: true,
      dataKeys: true,
      dataKeyPairSpecs: keyPairSpecsOf(settings.engine),
    };
  }

  // Each call is answered at once where its key is in memory, and otherwise goes on when the key is found.

  encrypt(
    request: EncryptRequest,
    call: Call,
    key = this.#peek(request.key),
  ): Awaitable<EncryptOutput> {
    if (key === undefined) {
      return this.#find(request.key).then((found) => this.encrypt(request, call, found));
    }
    const keyId = this.#assertUsable(key, request.algorithm);
    const encrypted = this.#cipher.encrypt(key, request);
    return isPromise(encrypted)
      ? encrypted.then((done) => encryptOutput(done, keyId))
      : encryptOutput(encrypted, keyId);
  }

  decrypt(
    request: DecryptRequest,
    call: Call,
    named = request.key && this.#peek(request.key),
  ): Awaitable<DecryptOutput> {
    const { key: name, algorithm, ciphertext } = request;
    if (name !== undefined && named === undefined) {
      return this.#find(name).then((found) => this.decrypt(request, call, found));
    }
    const keyId = named && this.#assertUsable(named, algorithm);
    if (isAsymmetricAlgorithm(algorithm)) {
      return this.#cipher
        .decryptRsa(named as KeyRecord, ciphertext, algorithm)
        .then((done) => decryptOutput(done, keyId as string));
    }
    const blob = decodeBlob(ciphertext);
    const key = named?.id === blob.keyId ? named : this.#backend?.keys.peekId(blob.keyId);
    return key === undefined
      ? this.#load(blob.keyId).then((loaded) => this.#decryptBlob(request, blob, loaded, named))
      : this.#decryptBlob(request, blob, key, named);
  }

  generateDataKey(
    request: DataKeyRequest,
    call: Call,
    key = this.#peek(request.key),
  ): Awaitable<DataKeyOutput> {
    if (key === undefined) {
      return this.#find(request.key).then((found) => this.generateDataKey(request, call, found));
    }
    const { algorithm, encryptionContext, numberOfBytes } = request;
    const keyId = this.#assertUsable(key, algorithm);
    const made = this.#cipher.generateDataKey(key, numberOfBytes, encryptionContext);
    const { plaintext, ciphertext, version } = made;
    return { plaintext, ciphertext, keyId, keyVersion: version.materialId };
  }

  async generateDataKeyPair(request: DataKeyPairRequest, call: Call): Promise<DataKeyPairOutput> {
    const { key, algorithm, encryptionContext, keyPairSpec } = request;
    const { local, cipher } = await this.#open();
    // Checked before generating the pair, which takes seconds in JavaScript.
    this.#assertUsable(await local.find(key), algorithm);
    const pair = await cipher.engine.generateKeyPair(keyPairSpec);
    try {
      call.signal?.throwIfAborted();
      const plaintext = pair.privateKey;
      const wrapped = await this.encrypt({ key, algorithm, encryptionContext, plaintext }, call);
      const { ciphertext: privateKeyCiphertext, keyId, keyVersion } = wrapped;
      return { ...pair, privateKeyCiphertext, keyId, keyVersion };
    } catch (error) {
      wipe(pair.privateKey);
      throw error;
    }
  }

  async getPublicKey({ key: name }: KeyRequest): Promise<PublicKeyOutput> {
    const key = await this.#find(name);
    const { keySpec, keyUsage, algorithms, keyId } = describe(key);
    if (!isDataKeyPairSpec(keySpec)) {
      throw new UnsupportedOperationError(`the key is ${keySpec} and has no public key`);
    }
    assertKeyEnabled({ keySpec, keyUsage, keyState: key.keyState, keyId });
    const { publicKey, materialId } = newestVersion(key) as KeyVersion;
    return {
      ...{ keyId, keySpec, keyUsage, algorithms, keyVersion: materialId },
      publicKey: publicKey as Uint8Array,
    };
  }

  async describeKey({ key }: KeyRequest): Promise<KeyDescription> {
    return describe(await this.#find(key));
  }

  async close(): Promise<void> {
    this.#backend?.cipher.close();
    for (const { keyMaterial } of this.#settings.keys) {
      if (isUint8Array(keyMaterial)) wipe(keyMaterial);
    }
    if (this.#settings.ownsStore) await this.#store?.close();
  }

  /** Decrypts under the key that the blob names. @param named The key that the caller named. */
  #decryptBlob(
    { algorithm, encryptionContext }: DecryptRequest,
    blob: Blob,
    key: KeyRecord | undefined,
    named: KeyRecord | undefined,
  ): DecryptOutput {
    if (key === undefined) throw unknownKey(this.#cipher, blob, encryptionContext, named);
    if (key.keySpec !== 'SYMMETRIC_DEFAULT') throw unopenable();
    if (named !== undefined && named.id !== key.id) throw incorrectKey();
    const keyId = named === undefined ? this.#assertUsable(key, algorithm) : this.#arnOf(key);
    return decryptOutput(this.#cipher.decryptBlob(key, blob, encryptionContext), keyId);
  }

  /** @returns The ARN of the key. @throws {@link KeyWrapError} if it can't be used so now. */
  #assertUsable(key: KeyRecord, algorithm: EncryptionAlgorithm): string {
    const { keySpec, keyUsage, keyState } = key;
    const keyId = this.#arnOf(key);
    assertKeyUsable({ keyId, keySpec, keyUsage, keyState }, algorithm);
    return keyId;
  }

  /** As the keys know it: it is not formatted for each call. */
  #arnOf({ id }: KeyRecord): string {
    return (this.#backend as Backend).keys.arnOf(id);
  }

  /** The cipher, once a key was found. */
  get #cipher(): KeyCipher {
    return (this.#backend as Backend).cipher;
  }

  /** The key, if nothing has to be waited for. */
  #peek(name: KeyName): KeyRecord | undefined {
    return this.#backend?.keys.peek(name);
  }

  async #find(name: KeyName): Promise<KeyRecord> {
    return (await this.#open()).local.find(name);
  }

  /** The key of the id that a ciphertext names; undefined where there is none here. */
  async #load(id: string): Promise<KeyRecord | undefined> {
    return (await this.#open()).keys.loadId(id);
  }

  /** A failure is not cached: the next call tries again. */
  async #open(): Promise<Backend> {
    if (this.#backend !== undefined) return this.#backend;
    this.#opening ??= this.#prepare().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #prepare(): Promise<Backend> {
    const { scope, now, openStore, engine: choice, keys: given } = this.#settings;
    const engine = await selectEngine(choice);
    this.#store ??= await openStore();
    const keys = new Keys(this.#store, scope, now);
    const local = new LocalKeys(keys, engine, this.#settings);
    await local.prepare(given);
    this.#backend = { local, keys, cipher: new KeyCipher(engine) };
    return this.#backend;
  }
}

function encryptOutput({ ciphertext, version }: Encrypted, keyId: string): EncryptOutput {
  return { ciphertext, keyId, keyVersion: version.materialId };
}

function decryptOutput({ plaintext, version }: Decrypted, keyId: string): DecryptOutput {
  return { plaintext, keyId, keyVersion: version.materialId };
}
