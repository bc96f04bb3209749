import { createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyManagementServiceClient, protos } from '@google-cloud/kms';
import {
  type Call,
  type DecryptRequest,
  type EncryptionContext,
  type EncryptRequest,
  InternalError,
  isRsaKeySpec,
  isRsaPublicKey,
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

/** The code of gRPC. */
const CANCELLED = 1;

/** Options of a call of the client. */
interface CallOptions {
  readonly timeout: number;
  readonly retry?: null;
  readonly otherArgs: { readonly options: { readonly interceptors: readonly Interceptor[] } };
}

/** Sees each request that the client makes of a call ([gRPC L5](https://github.com/grpc/proposal/blob/master/L5-node-client-interceptors.md)). */
type Interceptor = (options: unknown, next: (options: unknown) => Request) => Request;

interface Request {
  cancelWithStatus(code: number, details: string): void;
}

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

  /** Sends a request, which is cancelled when the call is aborted: the client has no option for that. */
  async #send<Response>(
    { signal }: Call,
    send: (client: KeyManagementServiceClient, options: CallOptions) => Promise<Response>,
  ): Promise<Response> {
    const client = await this.#client.get();
    const { requestTimeout, clientRetries } = this.#options;
    let cancel: (() => void) | undefined;
    const interceptor: Interceptor = (options, next) => {
      const request = next(options);
      cancel = () => request.cancelWithStatus(CANCELLED, 'the call was aborted');
      return request;
    };
    const abort = () => cancel?.();
    signal?.throwIfAborted();
    signal?.addEventListener('abort', abort);
    try {
      // Made for each request: the client changes what it gets.
      return await send(client, {
        timeout: requestTimeout,
        ...(!clientRetries && { retry: null }),
        otherArgs: { options: { interceptors: [interceptor] } },
      });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async readKey(resource: string, call: Call): Promise<protos.google.cloud.kms.v1.ICryptoKey> {
    const [key] = await this.#send(call, (client, options) =>
      client.getCryptoKey({ name: resource }, options),
    );
    if (key.name !== resource) throw new InternalError('Cloud KMS returned another key');
    return key;
  }

  /** Lists all versions of a key, the newest first. */
  async listVersions(resource: string, call: Call): Promise<Version[]> {
    const all = [];
    let pageToken = '';
    for (let page = 0; page < MAXIMUM_PAGES; page++) {
      const request = { parent: resource, pageSize: PAGE_SIZE, pageToken };
      const [versions, next] = await this.#send(call, (client, options) =>
        client.listCryptoKeyVersions(request, { ...options, autoPaginate: false }),
      );
      all.push(...versions);
      pageToken = next?.pageToken ?? '';
      if (pageToken === '') return versionsOf(resource, all);
    }
    throw new InternalError('Cloud KMS lists too many versions of the key');
  }

  /** Encrypts with the primary version of a symmetric key, and returns its id too. */
  async encrypt(resource: string, { plaintext, encryptionContext }: EncryptRequest, call: Call) {
    const aad = aadOf(encryptionContext);
    const request = { name: resource, plaintext, plaintextCrc32c: crcOf(plaintext), ...aad };
    const [response] = await this.#send(call, (client, options) =>
      client.encrypt(request, options),
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
    { ciphertext, encryptionContext }: DecryptRequest,
    call: Call,
  ): Promise<Uint8Array> {
    const sealed = { ciphertext, ciphertextCrc32c: crcOf(ciphertext) };
    const request = { name: resource, ...sealed, ...aadOf(encryptionContext) };
    const [response] = await this.#send(call, (client, options) =>
      client.decrypt(request, options),
    );
    return plaintextOf(response);
  }

  /** Decrypts with one version of an RSA key. */
  async asymmetricDecrypt(
    { name }: Version,
    ciphertext: Uint8Array,
    call: Call,
  ): Promise<Uint8Array> {
    const request = { name, ciphertext, ciphertextCrc32c: crcOf(ciphertext) };
    const [response] = await this.#send(call, (client, options) =>
      client.asymmetricDecrypt(request, options),
    );
    const plaintext = plaintextOf(response);
    if (response.verifiedCiphertextCrc32c === true) return plaintext;
    wipe(plaintext);
    throw damagedOnTheWay('request');
  }

  /** Returns the public half of an asymmetric version. */
  async readPublicKey({ name, keySpec }: Version, call: Call): Promise<KeyObject> {
    const known = this.#publicKeys.get(name);
    if (known !== undefined) return known;
    const [response] = await this.#send(call, (client, options) =>
      client.getPublicKey({ name }, options),
    );
    if (response.name !== name) throw new InternalError('Cloud KMS returned another public key');
    const pem = checkCrc(Buffer.from(response.pem ?? ''), response.pemCrc32c);
    const key = createPublicKey(Buffer.from(pem));
    const bits = Number(keySpec.slice(4));
    if (isRsaKeySpec(keySpec) && !isRsaPublicKey(key.asymmetricKeyDetails, bits)) {
      throw new InternalError('Cloud KMS returned a public key of another length or exponent');
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
