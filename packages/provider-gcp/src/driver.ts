import { constants, createPublicKey, type KeyObject, publicEncrypt } from 'node:crypto';
import {
  type AsymmetricAlgorithm,
  assertKeyEnabled,
  assertKeyUsable,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptOutput,
  type EncryptRequest,
  InternalError,
  InvalidInputError,
  isAsymmetricAlgorithm,
  isRsaKeySpec,
  type KeyDescription,
  type KeyPurpose,
  type KeyWrapDriver,
  KeyWrapError,
  maximumPlaintextLength,
  oaepHash,
  type ProviderCapabilities,
  type RsaKeySpec,
  rsaKeySpecOf,
  serializeEncryptionContext,
  UnsupportedOperationError,
} from '@keywrap/core';
import { checkCrc, crcOf, plaintextOf } from './checksums.js';
import { LazyClient } from './client.js';
import { cannotDecrypt, damagedOnTheWay, grpcCodeOf, toKeyWrapError } from './errors.js';
import { describe, type Version, versionIn, versionsOf } from './keys.js';
import { ResourceNames } from './names.js';
import type { ReadOptions } from './options.js';

const CAPABILITIES: ProviderCapabilities = Object.freeze({
  algorithms: Object.freeze([
    'SYMMETRIC_DEFAULT',
    'RSAES_OAEP_SHA_1',
    'RSAES_OAEP_SHA_256',
    'RSAES_OAEP_SHA_512',
  ] as const),
  oneAlgorithmPerKey: true,
  // In an HSM plaintext and context have 8192 bytes together.
  limits: Object.freeze({ encryptionContext: 4096 }),
  encryptionContext: true,
  keyIdFromCiphertext: false,
  dataKeys: true,
  dataKeyPairSpecs: Object.freeze([]),
});

/** A page may have fewer versions than it is asked for; more pages are a fault of the server. */
const PAGE_SIZE = 1000;
const MAXIMUM_PAGES = 100;

/** How many versions an RSA ciphertext is tried with: each takes a request. */
const MAXIMUM_TRIED = 64;

/** How many keys and public keys are remembered. */
const MAXIMUM_KEPT = 1000;

/**
 * Calls Google Cloud KMS through `@google-cloud/kms`. Symmetric keys are used by one request, which names no version. RSA
 * encrypts in this process, with the public key of the newest version.
 */
export function gcpDriver(options: ReadOptions): KeyWrapDriver {
  const client = new LazyClient(options);
  const names = new ResourceNames(options, options.aliases);
  const known = new Map<string, readonly Version[]>();
  const publicKeys = new Map<string, KeyObject>();
  // The client changes the options that it gets.
  const callOptions = () => ({
    timeout: options.requestTimeout,
    ...(!options.clientRetries && { retry: null }),
  });

  async function readVersions(resource: string): Promise<readonly Version[]> {
    const kms = await client.get();
    const all = [];
    let pageToken = '';
    for (let page = 0; page < MAXIMUM_PAGES; page++) {
      const [versions, next] = await kms.listCryptoKeyVersions(
        { parent: resource, pageSize: PAGE_SIZE, pageToken },
        { ...callOptions(), autoPaginate: false },
      );
      all.push(...versions);
      pageToken = next?.pageToken ?? '';
      if (pageToken === '') return remember(known, resource, versionsOf(resource, all));
    }
    throw new InternalError('Cloud KMS lists too many versions of the key');
  }

  async function describeResource(resource: string): Promise<KeyDescription> {
    const kms = await client.get();
    const [key] = await kms.getCryptoKey({ name: resource }, callOptions());
    if (key.name !== resource) throw new InternalError('Cloud KMS returned another key');
    const versions = key.primary
      ? versionsOf(resource, [key.primary])
      : await readVersions(resource);
    return describe(names.arnOf(resource), versions, key);
  }

  /**
   * Tells why Google rejected the use of a key: it answers a damaged ciphertext and a mistake alike, and a wrong purpose
   * like a wrong state. The credentials may not be allowed to read the key.
   */
  async function explain(
    error: unknown,
    resource: string,
    { algorithm }: EncryptRequest | DecryptRequest,
    purpose: KeyPurpose,
  ): Promise<unknown> {
    const code = grpcCodeOf(error);
    if (code !== 'INVALID_ARGUMENT' && code !== 'FAILED_PRECONDITION') return error;
    const reason = toKeyWrapError(error, purpose);
    if (reason?.code === 'UNAVAILABLE') return reason;
    try {
      assertKeyUsable(await describeResource(resource), algorithm, purpose);
      return reason;
    } catch (found) {
      const its = found instanceof KeyWrapError ? found : toKeyWrapError(found, 'describeKey');
      return its?.code === 'ACCESS_DENIED' ? reason : found;
    }
  }

  async function encryptSymmetric(
    resource: string,
    { plaintext, encryptionContext }: EncryptRequest,
  ): Promise<EncryptOutput> {
    const kms = await client.get();
    const aad = aadOf(encryptionContext);
    const [response] = await kms.encrypt(
      { name: resource, plaintext, plaintextCrc32c: crcOf(plaintext), ...aad },
      callOptions(),
    );
    const { name, ciphertext, ciphertextCrc32c, verifiedPlaintextCrc32c } = response;
    const isVerified =
      verifiedPlaintextCrc32c === true &&
      (aad === undefined || response.verifiedAdditionalAuthenticatedDataCrc32c === true);
    if (!isVerified) throw damagedOnTheWay('request');
    const keyVersion = versionIn(resource, name);
    if (keyVersion === undefined) {
      throw new InternalError('Cloud KMS encrypted with a key that was not asked for');
    }
    return {
      ciphertext: checkCrc(ciphertext, ciphertextCrc32c),
      keyId: names.arnOf(resource),
      keyVersion,
    };
  }

  async function decryptSymmetric(
    resource: string,
    { ciphertext, encryptionContext }: DecryptRequest,
  ): Promise<DecryptOutput> {
    const kms = await client.get();
    const [response] = await kms.decrypt(
      {
        name: resource,
        ciphertext,
        ciphertextCrc32c: crcOf(ciphertext),
        ...aadOf(encryptionContext),
      },
      callOptions(),
    );
    const plaintext = plaintextOf(response);
    if (plaintext.length === 0) throw cannotDecrypt();
    return { plaintext, keyId: names.arnOf(resource) };
  }

  async function readPublicKey({ name, keySpec }: Version): Promise<KeyObject> {
    const remembered = publicKeys.get(name);
    if (remembered !== undefined) return remembered;
    const kms = await client.get();
    const [response] = await kms.getPublicKey({ name }, callOptions());
    if (response.name !== name) throw new InternalError('Cloud KMS returned another public key');
    const pem = checkCrc(Buffer.from(response.pem ?? '', 'utf8'), response.pemCrc32c);
    const key = createPublicKey(Buffer.from(pem));
    const bits = key.asymmetricKeyDetails?.modulusLength;
    if (isRsaKeySpec(keySpec) && bits !== Number(keySpec.slice(4))) {
      throw new InternalError('Cloud KMS returned a public key of another length');
    }
    return remember(publicKeys, name, key);
  }

  async function encryptRsa(
    resource: string,
    { algorithm, plaintext }: EncryptRequest,
  ): Promise<EncryptOutput> {
    const keyId = names.arnOf(resource);
    const versions = await readVersions(resource);
    assertKeyUsable(describe(keyId, versions), algorithm);
    const version = enabled(versions, algorithm)[0] as Version;
    const maximum = maximumPlaintextLength(algorithm, version.keySpec as RsaKeySpec);
    if (plaintext.length > maximum) {
      throw new InvalidInputError('plaintext', `must have at most ${maximum} bytes under this key`);
    }
    const ciphertext = publicEncrypt(
      {
        key: await readPublicKey(version),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: oaepHash(algorithm as AsymmetricAlgorithm),
      },
      plaintext,
    );
    return { ciphertext, keyId, keyVersion: version.id };
  }

  /** A ciphertext does not name its version: tries the newest first, of those that are known and then of all. */
  async function decryptRsa(
    resource: string,
    { algorithm, ciphertext }: DecryptRequest,
    { signal }: Call,
  ): Promise<DecryptOutput> {
    const keyId = names.arnOf(resource);
    const tried = new Set<string>();
    const open = async (versions: readonly Version[]): Promise<DecryptOutput | undefined> => {
      for (const { name, id, keySpec } of enabled(versions, algorithm)) {
        if (tried.has(name) || keySpec !== rsaKeySpecOf(ciphertext.length)) continue;
        if (tried.size >= MAXIMUM_TRIED) break;
        tried.add(name);
        signal?.throwIfAborted();
        const plaintext = await decryptWith(name, ciphertext);
        if (plaintext !== undefined) return { plaintext, keyId, keyVersion: id };
      }
      return undefined;
    };
    const opened = await open(known.get(resource) ?? []);
    if (opened !== undefined) return opened;
    const versions = await readVersions(resource);
    assertKeyUsable(describe(keyId, versions), algorithm, 'decrypt');
    const found = await open(versions);
    if (found === undefined) throw cannotDecrypt();
    return found;
  }

  /** Returns undefined where this version does not open it, or can't be used any more. */
  async function decryptWith(
    name: string,
    ciphertext: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    const kms = await client.get();
    try {
      const [response] = await kms.asymmetricDecrypt(
        { name, ciphertext, ciphertextCrc32c: crcOf(ciphertext) },
        callOptions(),
      );
      if (response.verifiedCiphertextCrc32c !== true) throw damagedOnTheWay('request');
      return plaintextOf(response);
    } catch (error) {
      const reason = grpcCodeOf(error) && toKeyWrapError(error, 'decrypt');
      const isNone = ['INVALID_CIPHERTEXT', 'KEY_DISABLED', 'KEY_STATE', 'KEY_NOT_FOUND'];
      if (reason && isNone.includes(reason.code)) return undefined;
      throw error;
    }
  }

  return {
    id: 'gcp-kms',
    capabilities: CAPABILITIES,

    async encrypt(request) {
      const resource = names.resourceOf(request.key);
      if (isAsymmetricAlgorithm(request.algorithm)) return encryptRsa(resource, request);
      try {
        return await encryptSymmetric(resource, request);
      } catch (error) {
        throw await explain(error, resource, request, 'encrypt');
      }
    },

    async decrypt(request, call) {
      if (request.key === undefined) throw new InvalidInputError('keyId', 'is missing');
      const resource = names.resourceOf(request.key);
      if (isAsymmetricAlgorithm(request.algorithm)) return decryptRsa(resource, request, call);
      try {
        return await decryptSymmetric(resource, request);
      } catch (error) {
        throw await explain(error, resource, request, 'decrypt');
      }
    },

    async getPublicKey({ key }) {
      const resource = names.resourceOf(key);
      const versions = await readVersions(resource);
      const description = describe(names.arnOf(resource), versions);
      assertKeyEnabled(description, 'decrypt');
      const { keyId, keySpec, keyUsage, algorithms, keyVersion } = description;
      const version = versions.find(({ id }) => id === keyVersion);
      if (version === undefined || /^(SYMMETRIC|HMAC)/.test(keySpec)) {
        throw new UnsupportedOperationError('the key has no public key');
      }
      const publicKey = (await readPublicKey(version)).export({ type: 'spki', format: 'der' });
      return { keyId, keySpec, keyUsage, algorithms, keyVersion, publicKey };
    },

    describeKey: ({ key }) => describeResource(names.resourceOf(key)),

    mapError: toKeyWrapError,
    close: () => client.close(),
  };
}

function enabled(versions: readonly Version[], algorithm: string): Version[] {
  return versions.filter((each) => each.isEnabled && each.algorithm === algorithm);
}

/** The empty context is left out. */
function aadOf(context: EncryptRequest['encryptionContext']) {
  const additionalAuthenticatedData = serializeEncryptionContext(context);
  if (additionalAuthenticatedData.length === 0) return undefined;
  const additionalAuthenticatedDataCrc32c = crcOf(additionalAuthenticatedData);
  return { additionalAuthenticatedData, additionalAuthenticatedDataCrc32c };
}

function remember<T>(map: Map<string, T>, name: string, value: T): T {
  if (map.size >= MAXIMUM_KEPT) map.clear();
  map.set(name, value);
  return value;
}
