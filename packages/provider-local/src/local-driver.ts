import {
  assertKeyEnabled,
  assertKeyUsable,
  type Call,
  DATA_KEY_PAIR_SPECS,
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
  IncorrectKeyError,
  isAsymmetricAlgorithm,
  isDataKeyPairSpec,
  type KeyDescription,
  type KeyRequest,
  type KeyWrapDriver,
  type ProviderCapabilities,
  type PublicKeyResult,
  UnsupportedOperationError,
  wipe,
} from '@keywrap/core';
import { decodeBlob, unopenable } from './cipher/blob.js';
import { selectEngine } from './cipher/engines/index.js';
import { KeyCipher } from './cipher/key-cipher.js';
import { type LocalKeyManager, localKeyManager } from './key-manager.js';
import { Keys } from './keys/keys.js';
import { arnOf, type KeyRecord, newestVersion } from './keys/record.js';
import type { KeyStore } from './keys/store.js';
import { describe, LocalKeys } from './local-keys.js';
import type { Settings } from './options.js';

/** What the driver works with; made at the first call, because loading an engine and making keys wait. */
interface Backend {
  readonly local: LocalKeys;
  readonly keys: Keys;
  readonly cipher: KeyCipher;
}

const CAPABILITIES: ProviderCapabilities = {
  algorithms: ENCRYPTION_ALGORITHMS,
  encryptionContext: true,
  keyIdFromCiphertext: true,
  dataKeys: true,
  dataKeyPairSpecs: DATA_KEY_PAIR_SPECS,
};

/** The backend of the local provider: keys of a store, used by an engine, with the rules of AWS KMS. */
export class LocalDriver implements KeyWrapDriver<LocalKeyManager> {
  readonly id = 'local';
  readonly capabilities = CAPABILITIES;
  readonly keys: LocalKeyManager = localKeyManager(async () => (await this.#open()).local);
  readonly #settings: Settings;
  #opening: Promise<Backend> | undefined;
  #backend: Backend | undefined;
  #store: KeyStore | undefined;

  /** Nothing is loaded or made yet; the first call does that. */
  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async encrypt(request: EncryptRequest): Promise<EncryptOutput> {
    const { keys, local, cipher } = this.#backend ?? (await this.#open());
    const key = keys.peek(request.key) ?? (await local.find(request.key));
    const keyId = assertUsable(key, request.algorithm);
    const { ciphertext, version } = await cipher.encrypt(key, request);
    return { ciphertext, keyId, keyVersion: version.materialId };
  }

  async decrypt(request: DecryptRequest): Promise<DecryptOutput> {
    const { key: name, algorithm, ciphertext, encryptionContext } = request;
    const { keys, local, cipher } = this.#backend ?? (await this.#open());
    const named = name && (keys.peek(name) ?? (await local.find(name)));
    const namedArn = named && assertUsable(named, algorithm);
    if (isAsymmetricAlgorithm(algorithm)) {
      const { plaintext, version } = await cipher.decryptRsa(
        named as KeyRecord,
        ciphertext,
        algorithm,
      );
      return { plaintext, keyId: namedArn as string, keyVersion: version.materialId };
    }
    const blob = decodeBlob(ciphertext);
    const isNamed = named?.id === blob.keyId;
    const key = isNamed ? named : (keys.peekId(blob.keyId) ?? (await keys.loadId(blob.keyId)));
    if (key?.keySpec !== 'SYMMETRIC_DEFAULT') throw unopenable();
    if (named !== undefined && !isNamed) {
      throw new IncorrectKeyError('another key made this ciphertext than the one that is named');
    }
    const keyId = namedArn ?? assertUsable(key, algorithm);
    const { plaintext, version } = cipher.decryptBlob(key, blob, encryptionContext);
    return { plaintext, keyId, keyVersion: version.materialId };
  }

  async generateDataKey(request: DataKeyRequest): Promise<DataKeyOutput> {
    const { key: name, algorithm, encryptionContext, numberOfBytes } = request;
    const { keys, local, cipher } = this.#backend ?? (await this.#open());
    const key = keys.peek(name) ?? (await local.find(name));
    const keyId = assertUsable(key, algorithm);
    const { version, ...dataKey } = cipher.generateDataKey(key, numberOfBytes, encryptionContext);
    return { ...dataKey, keyId, keyVersion: version.materialId };
  }

  async generateDataKeyPair(request: DataKeyPairRequest, call: Call): Promise<DataKeyPairOutput> {
    const { key, algorithm, encryptionContext, keyPairSpec } = request;
    const { local, cipher } = await this.#open();
    // Before the pair is generated: that takes seconds where the engine is JavaScript.
    assertUsable(await local.find(key), algorithm);
    const pair = await cipher.engine.generateKeyPair(keyPairSpec);
    try {
      call.signal?.throwIfAborted();
      const plaintext = pair.privateKey;
      const wrapped = await this.encrypt({ key, algorithm, encryptionContext, plaintext });
      const { ciphertext: privateKeyCiphertext, keyId, keyVersion } = wrapped;
      return { ...pair, privateKeyCiphertext, keyId, keyVersion };
    } catch (error) {
      wipe(pair.privateKey);
      throw error;
    }
  }

  async getPublicKey({ key: name }: KeyRequest): Promise<PublicKeyResult> {
    const key = await (await this.#open()).local.find(name);
    const { keySpec, keyUsage, algorithms, keyId } = describe(key);
    if (!isDataKeyPairSpec(keySpec)) {
      throw new UnsupportedOperationError(`the key is ${keySpec}: it has no public half`);
    }
    assertKeyEnabled({ keySpec, keyUsage, keyState: key.keyState, keyId });
    const publicKey = newestVersion(key)?.publicKey as Uint8Array;
    return { keyId, keySpec, keyUsage, algorithms, publicKey };
  }

  async describeKey({ key }: KeyRequest): Promise<KeyDescription> {
    return describe(await (await this.#open()).local.find(key));
  }

  async close(): Promise<void> {
    this.#backend?.cipher.close();
    for (const { keyMaterial } of this.#settings.keys) {
      if (keyMaterial instanceof Uint8Array) wipe(keyMaterial);
    }
    if (this.#settings.ownsStore) await this.#store?.close();
  }

  /** A failure is not remembered: the next call tries again. */
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

/** @returns The ARN of the key. @throws {@link KeyWrapError} when it can't be used so now. */
function assertUsable(key: KeyRecord, algorithm: EncryptionAlgorithm): string {
  const { keySpec, keyUsage, keyState } = key;
  const keyId = arnOf(key);
  assertKeyUsable({ keyId, keySpec, keyUsage, keyState }, algorithm);
  return keyId;
}
