import {
  AbortError,
  AbstractKeyWrapProvider,
  type AliasDescription,
  type AliasInput,
  type AsymmetricAlgorithm,
  assertKeyEnabled,
  assertKeyUsable,
  type CallContext,
  type CallOptions,
  type CreateKeyInput,
  DATA_KEY_PAIR_SPECS,
  type DataKeyPairOutput,
  type DecryptOutput,
  type LegacyDecryptRequest as DecryptRequest,
  ENCRYPTION_ALGORITHMS,
  type EncryptionAlgorithm,
  type EncryptOutput,
  type LegacyEncryptRequest as EncryptRequest,
  type GenerateDataKeyOutput,
  type GenerateDataKeyPairRequest,
  type GenerateDataKeyRequest,
  type ImportKeyMaterialInput,
  IncorrectKeyError,
  InvalidCiphertextError,
  InvalidInputError,
  isAsymmetricAlgorithm,
  type KeyDescription,
  type KeyInput,
  type KeyManager,
  maximumPlaintextLength,
  type ProviderCapabilities,
  type PublicKeyResult,
  type RsaKeySpec,
  readKeyInput,
  type ScheduleKeyDeletionInput,
  UnsupportedOperationError,
  wipe,
} from '@keywrap/core';
import { decodeBlob, unopenable } from '../cipher/blob.js';
import { type CryptoEngine, type OaepHash, selectEngine } from '../cipher/engines/index.js';
import { randomKeyAndNonce } from '../cipher/random.js';
import type { KeyRecord, MaterialVersion } from './key-record.js';
import { andThen, type KeyStore } from './key-store.js';
import { LoadedKeys } from './loaded-keys.js';
import { LocalKeys } from './local-keys.js';
import { deletionCancelled, disabled, enabled, pendingDeletion } from './old-transitions.js';
import { type LocalKeyWrapOptions, readOptions, type Settings } from './options.js';
import {
  type ExportKeyMaterialInput,
  readAliasInput,
  readAliasName,
  readCreateKeyInput,
  readDeletionInput,
  readExportInput,
  readImportInput,
} from './read-manager-input.js';
import { openBlob, sealBlob } from './symmetric.js';
import { writeMaterial } from './write-material.js';

/** What the provider works with; made on the first call, because loading an engine and making keys wait. */
interface Backend {
  readonly engine: CryptoEngine;
  readonly keys: LocalKeys;
  readonly loaded: LoadedKeys;
}

const CAPABILITIES: ProviderCapabilities = {
  algorithms: ENCRYPTION_ALGORITHMS,
  encryptionContext: true,
  keyIdFromCiphertext: true,
  dataKeys: true,
  dataKeyPairSpecs: DATA_KEY_PAIR_SPECS,
};

const OAEP_HASH = {
  RSAES_OAEP_SHA_1: 'SHA-1',
  RSAES_OAEP_SHA_256: 'SHA-256',
} as const satisfies Record<string, OaepHash>;

/**
 * A provider whose keys are on this machine. It behaves as AWS KMS does, so that a service which is
 * tested against it runs against AWS KMS unchanged. It is its own {@link KeyManager}.
 *
 * @example
 * ```ts
 * import { LocalKeyWrapProvider } from '@keywrap/provider-local';
 *
 * await using keys = new LocalKeyWrapProvider({ keys: ['alias/orders'] });
 * using dataKey = await keys.generateDataKey({ keyId: 'alias/orders', keySpec: 'AES_256' });
 * ```
 */
export class LocalKeyWrapProvider extends AbstractKeyWrapProvider implements KeyManager {
  readonly id = 'local';
  readonly capabilities: ProviderCapabilities = CAPABILITIES;
  readonly #settings: Settings;
  #opening: Promise<Backend> | undefined;
  #backend: Backend | undefined;
  #store: KeyStore | undefined;

  /**
   * Nothing is loaded or made yet; the first call does that.
   *
   * @throws {@link InvalidInputError} naming the option that is wrong.
   */
  constructor(options: LocalKeyWrapOptions = {}) {
    super();
    this.#settings = readOptions(options);
  }

  createKey(input?: CreateKeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.#manage('createKey', input, options, readCreateKeyInput, (keys, key) =>
      keys.create(key),
    );
  }

  importKeyMaterial(input: ImportKeyMaterialInput, options?: CallOptions): Promise<KeyDescription> {
    return this.#manage('importKeyMaterial', input, options, readImportInput, (keys, request) =>
      keys.importMaterial(request),
    );
  }

  enableKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.#manage('enableKey', input, options, readKeyInput, (keys, { keyId }) =>
      keys.change(keyId, enabled),
    );
  }

  disableKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.#manage('disableKey', input, options, readKeyInput, (keys, { keyId }) =>
      keys.change(keyId, disabled),
    );
  }

  rotateKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.#manage('rotateKey', input, options, readKeyInput, (keys, { keyId }) =>
      keys.rotate(keyId),
    );
  }

  scheduleKeyDeletion(
    input: ScheduleKeyDeletionInput,
    options?: CallOptions,
  ): Promise<KeyDescription> {
    return this.#manage('scheduleKeyDeletion', input, options, readDeletionInput, (keys, request) =>
      keys.change(request.keyId, (key) =>
        pendingDeletion(key, this.#settings.now(), request.pendingWindowInDays),
      ),
    );
  }

  cancelKeyDeletion(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.#manage('cancelKeyDeletion', input, options, readKeyInput, (keys, { keyId }) =>
      keys.change(keyId, deletionCancelled),
    );
  }

  createAlias(input: AliasInput, options?: CallOptions): Promise<AliasDescription> {
    return this.#manage('createAlias', input, options, readAliasInput, (keys, request) =>
      keys.aliases.create(request),
    );
  }

  updateAlias(input: AliasInput, options?: CallOptions): Promise<AliasDescription> {
    return this.#manage('updateAlias', input, options, readAliasInput, (keys, request) =>
      keys.aliases.update(request),
    );
  }

  async deleteAlias(input: { readonly alias: string }, options?: CallOptions): Promise<void> {
    await this.#manage('deleteAlias', input, options, readAliasName, async (keys, { alias }) => {
      await keys.aliases.delete(alias);
      return {};
    });
  }

  listKeys(options?: CallOptions): Promise<readonly KeyDescription[]> {
    return this.#manage(
      'listKeys',
      {},
      options,
      () => ({}),
      (keys) => keys.list(),
    );
  }

  listAliases(options?: CallOptions): Promise<readonly AliasDescription[]> {
    return this.#manage(
      'listAliases',
      {},
      options,
      () => ({}),
      (keys) => keys.aliases.list(),
    );
  }

  /**
   * Takes a key's material out, for a backup or another system. Whoever has it can open everything
   * that the key ever encrypted.
   *
   * @returns The bytes of a symmetric or HMAC key; a string for the PEM formats.
   * @throws {@link InvalidInputError} for a format that is not for this kind of key, or a passphrase
   * that is missing or of no use; {@link KeyStateError} while there is no material.
   */
  exportKeyMaterial(
    input: ExportKeyMaterialInput,
    options?: CallOptions,
  ): Promise<string | Uint8Array> {
    return this.run('exportKeyMaterial', input, options, {
      read: readExportInput,
      work: async ({ keyId, ...how }) => {
        const { keys } = await this.#open();
        return { privateKey: await writeMaterial(await keys.ring.find(keyId), how) };
      },
      finish: ({ privateKey }) => privateKey,
    });
  }

  protected override async doEncrypt(request: EncryptRequest): Promise<EncryptOutput> {
    const { keys, loaded } = this.#backend ?? (await this.#open());
    const { algorithm, plaintext, encryptionContext } = request;
    const { key, keyId } = await findUsable(keys, request.keyId, algorithm);
    if (!isAsymmetricAlgorithm(algorithm)) {
      return { keyId, ciphertext: sealBlob(key, loaded, plaintext, encryptionContext) };
    }
    const maximum = maximumPlaintextLength(algorithm, key.keySpec as RsaKeySpec);
    if (plaintext.length > maximum) {
      throw new InvalidInputError(
        'plaintext',
        `must have at most ${maximum} bytes for ${key.keySpec} and ${algorithm}; it has ${plaintext.length}`,
      );
    }
    const publicKey = await loaded.rsaPublic(key.id, newestOf(key));
    return { keyId, ciphertext: await publicKey.encrypt(plaintext, OAEP_HASH[algorithm]) };
  }

  protected override doDecrypt(request: DecryptRequest): Promise<DecryptOutput> {
    const { algorithm } = request;
    return isAsymmetricAlgorithm(algorithm)
      ? this.#decryptRsa(request, algorithm)
      : this.#decryptBlob(request);
  }

  async #decryptRsa(
    request: DecryptRequest,
    algorithm: AsymmetricAlgorithm,
  ): Promise<DecryptOutput> {
    const { keys, loaded } = this.#backend ?? (await this.#open());
    const { key, keyId } = await findUsable(keys, request.keyId as string, algorithm);
    const privateKey = await loaded.rsaPrivate(key.id, newestOf(key));
    const plaintext = await privateKey.decrypt(request.ciphertext, OAEP_HASH[algorithm]);
    if (plaintext === undefined) throw unopenable();
    return { keyId, plaintext };
  }

  async #decryptBlob(request: DecryptRequest): Promise<DecryptOutput> {
    const { keys, loaded } = this.#backend ?? (await this.#open());
    const { algorithm, encryptionContext, keyId: name } = request;
    // Awaited in any case: what fails before it has another stack than what fails after it.
    const found = await (name === undefined ? undefined : findUsable(keys, name, algorithm));
    try {
      const blob = decodeBlob(request.ciphertext);
      const isNamed = found?.key.id === blob.keyId;
      const key = isNamed ? found.key : await keys.ring.findById(blob.keyId);
      if (key?.keySpec !== 'SYMMETRIC_DEFAULT') throw unopenable();
      if (found !== undefined && !isNamed) {
        throw new IncorrectKeyError('another key made this ciphertext than the one that is named');
      }
      const keyId = isNamed ? found.keyId : keys.ring.arnOf(key);
      if (!isNamed) assertUsable(key, keyId, algorithm);
      return { keyId, plaintext: openBlob(key, loaded, blob, encryptionContext) };
    } catch (error) {
      // Made here for all of them: the stack of the first would tell where it failed.
      throw error instanceof InvalidCiphertextError ? unopenable() : error;
    }
  }

  protected override async doGenerateDataKey({
    keyId: name,
    encryptionContext,
    numberOfBytes,
  }: GenerateDataKeyRequest): Promise<GenerateDataKeyOutput> {
    const { keys, loaded } = this.#backend ?? (await this.#open());
    const { key, keyId } = await findUsable(keys, name, 'SYMMETRIC_DEFAULT');
    const { key: plaintext, nonce } = randomKeyAndNonce(numberOfBytes);
    const ciphertext = sealBlob(key, loaded, plaintext, encryptionContext, nonce);
    return { plaintext, ciphertext, keyId };
  }

  protected override async doGenerateDataKeyPair(
    request: GenerateDataKeyPairRequest,
    call: CallContext,
  ): Promise<DataKeyPairOutput> {
    const { engine, keys } = await this.#open();
    const { keyId, encryptionContext, keyPairSpec } = request;
    const algorithm = 'SYMMETRIC_DEFAULT';
    // Before the pair is generated: that takes seconds where the engine is JavaScript.
    await findUsable(keys, keyId, algorithm);
    const { publicKey, privateKey } = await engine.generateKeyPair(keyPairSpec);
    try {
      if (call.signal?.aborted) throw new AbortError('the call was aborted');
      const wrapped = await this.doEncrypt({
        keyId,
        algorithm,
        encryptionContext,
        plaintext: privateKey,
      });
      return {
        publicKey,
        privateKey,
        privateKeyCiphertext: wrapped.ciphertext,
        keyId: wrapped.keyId,
      };
    } catch (error) {
      wipe(privateKey);
      throw error;
    }
  }

  protected override async doGetPublicKey(keyId: string): Promise<PublicKeyResult> {
    const { keys } = await this.#open();
    const key = await keys.ring.find(keyId);
    const { keySpec, keyUsage, algorithms, keyId: arn } = keys.ring.describe(key);
    if (keySpec === 'SYMMETRIC_DEFAULT' || keySpec.startsWith('HMAC_')) {
      throw new UnsupportedOperationError(`the key is ${keySpec}: it has no public half`);
    }
    assertKeyEnabled({ ...key, keyId: arn });
    const publicKey = newestOf(key).publicKey as Uint8Array;
    return { keyId: arn, keySpec, keyUsage, algorithms, publicKey: publicKey.slice() };
  }

  protected override async doDescribeKey(keyId: string): Promise<KeyDescription> {
    const { keys } = await this.#open();
    return keys.ring.describe(await keys.ring.find(keyId));
  }

  protected override async doClose(): Promise<void> {
    this.#backend?.loaded.destroy();
    for (const { keyMaterial } of this.#settings.keys) {
      if (keyMaterial instanceof Uint8Array) wipe(keyMaterial);
    }
    if (this.#settings.ownsStore) await this.#store?.close();
  }

  #manage<Request extends object, Output extends object>(
    name: string,
    input: unknown,
    options: CallOptions | undefined,
    read: (input: unknown) => Request,
    work: (keys: LocalKeys, request: Request) => Promise<Output>,
  ): Promise<Output> {
    return this.run(name, input, options, {
      read,
      work: async (request: Request) => work((await this.#open()).keys, request),
      finish: (output) => output,
    });
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
    const engine = await selectEngine(this.#settings.engine);
    const loaded = new LoadedKeys(engine);
    this.#store ??= await this.#settings.openStore();
    const keys = new LocalKeys(engine, this.#store, this.#settings, loaded);
    await keys.prepare();
    this.#backend = { engine, keys, loaded };
    return this.#backend;
  }
}

/** Finds a key that may be used with this algorithm now, and its ARN. */
function findUsable({ ring }: LocalKeys, name: string, algorithm: EncryptionAlgorithm) {
  return andThen(ring.find(name), (key) => {
    const keyId = ring.arnOf(key);
    assertUsable(key, keyId, algorithm);
    return { key, keyId };
  });
}

function assertUsable(key: KeyRecord, keyId: string, algorithm: EncryptionAlgorithm): void {
  const { keySpec, keyUsage, keyState } = key;
  assertKeyUsable({ keyId, keySpec, keyUsage, keyState }, algorithm);
}

function newestOf(key: KeyRecord): MaterialVersion {
  return key.materials.at(-1) as MaterialVersion;
}
