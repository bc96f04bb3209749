import { createPublicKey, type KeyObject } from 'node:crypto';
import type { protos } from '@google-cloud/kms';
import {
  type EncryptionContext,
  InternalError,
  isRsaKeySpec,
  serializeEncryptionContext,
  wipe,
} from '@keywrap/core';
import { checkCrc, crcOf, plaintextOf } from './checksums.js';
import { LazyClient } from './client.js';
import { damagedOnTheWay } from './errors.js';
import { type Version, versionIn, versionsOf } from './keys.js';
import type { ReadOptions } from './options.js';

/** A page may have fewer versions than it is asked for; more pages are a fault of the server. */
const PAGE_SIZE = 1000;
const MAXIMUM_PAGES = 100;

/** How many public keys are remembered: that of a version never changes. */
const MAXIMUM_KEPT = 1000;

/** The requests to Google Cloud KMS. What they return is of the key that was asked for, and has the right checksums. */
export class CloudKms {
  readonly #client: LazyClient;
  readonly #options: ReadOptions;
  readonly #publicKeys = new Map<string, KeyObject>();

  constructor(options: ReadOptions) {
    this.#client = new LazyClient(options);
    this.#options = options;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Made for each request: the client changes what it gets. */
  #callOptions() {
    const { requestTimeout, clientRetries } = this.#options;
    return { timeout: requestTimeout, ...(!clientRetries && { retry: null }) };
  }

  async readKey(resource: string): Promise<protos.google.cloud.kms.v1.ICryptoKey> {
    const client = await this.#client.get();
    const [key] = await client.getCryptoKey({ name: resource }, this.#callOptions());
    if (key.name !== resource) throw new InternalError('Cloud KMS returned another key');
    return key;
  }

  /** Lists all versions of a key, the newest first. */
  async listVersions(resource: string): Promise<Version[]> {
    const client = await this.#client.get();
    const all = [];
    let pageToken = '';
    for (let page = 0; page < MAXIMUM_PAGES; page++) {
      const [versions, next] = await client.listCryptoKeyVersions(
        { parent: resource, pageSize: PAGE_SIZE, pageToken },
        { ...this.#callOptions(), autoPaginate: false },
      );
      all.push(...versions);
      pageToken = next?.pageToken ?? '';
      if (pageToken === '') return versionsOf(resource, all);
    }
    throw new InternalError('Cloud KMS lists too many versions of the key');
  }

  /** Encrypts with the primary version of a symmetric key, and returns its id too. */
  async encrypt(resource: string, plaintext: Uint8Array, context: EncryptionContext) {
    const client = await this.#client.get();
    const aad = aadOf(context);
    const [response] = await client.encrypt(
      { name: resource, plaintext, plaintextCrc32c: crcOf(plaintext), ...aad },
      this.#callOptions(),
    );
    const isVerified =
      response.verifiedPlaintextCrc32c === true &&
      (aad === undefined || response.verifiedAdditionalAuthenticatedDataCrc32c === true);
    if (!isVerified) throw damagedOnTheWay('request');
    const keyVersion = versionIn(resource, response.name);
    if (keyVersion === undefined) throw new InternalError('Cloud KMS encrypted with another key');
    return { ciphertext: checkCrc(response.ciphertext, response.ciphertextCrc32c), keyVersion };
  }

  /** Decrypts with a symmetric key, which finds the version. */
  async decrypt(
    resource: string,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Promise<Uint8Array> {
    const client = await this.#client.get();
    const ciphertextCrc32c = crcOf(ciphertext);
    const [response] = await client.decrypt(
      { name: resource, ciphertext, ciphertextCrc32c, ...aadOf(context) },
      this.#callOptions(),
    );
    return plaintextOf(response);
  }

  /** Decrypts with one version of an RSA key. */
  async asymmetricDecrypt({ name }: Version, ciphertext: Uint8Array): Promise<Uint8Array> {
    const client = await this.#client.get();
    const [response] = await client.asymmetricDecrypt(
      { name, ciphertext, ciphertextCrc32c: crcOf(ciphertext) },
      this.#callOptions(),
    );
    const plaintext = plaintextOf(response);
    if (response.verifiedCiphertextCrc32c === true) return plaintext;
    wipe(plaintext);
    throw damagedOnTheWay('request');
  }

  /** Returns the public half of an asymmetric version. */
  async readPublicKey({ name, keySpec }: Version): Promise<KeyObject> {
    const known = this.#publicKeys.get(name);
    if (known !== undefined) return known;
    const client = await this.#client.get();
    const [response] = await client.getPublicKey({ name }, this.#callOptions());
    if (response.name !== name) throw new InternalError('Cloud KMS returned another public key');
    const pem = checkCrc(Buffer.from(response.pem ?? ''), response.pemCrc32c);
    const key = createPublicKey(Buffer.from(pem));
    const bits = key.asymmetricKeyDetails?.modulusLength;
    if (isRsaKeySpec(keySpec) && bits !== Number(keySpec.slice(4))) {
      throw new InternalError('Cloud KMS returned a public key of another length');
    }
    if (this.#publicKeys.size >= MAXIMUM_KEPT) this.#publicKeys.clear();
    this.#publicKeys.set(name, key);
    return key;
  }
}

/** The empty context is left out. */
function aadOf(context: EncryptionContext) {
  const additionalAuthenticatedData = serializeEncryptionContext(context);
  if (additionalAuthenticatedData.length === 0) return undefined;
  const additionalAuthenticatedDataCrc32c = crcOf(additionalAuthenticatedData);
  return { additionalAuthenticatedData, additionalAuthenticatedDataCrc32c };
}
