import { constants, publicEncrypt } from 'node:crypto';
import {
  type AsymmetricAlgorithm,
  assertKeyEnabled,
  assertKeyUsable,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptOutput,
  type EncryptRequest,
  InvalidInputError,
  isAsymmetricAlgorithm,
  type KeyDescription,
  type KeyPurpose,
  type KeyWrapDriver,
  KeyWrapError,
  maximumPlaintextLength,
  oaepHash,
  type ProviderCapabilities,
  type RsaKeySpec,
  rsaKeySpecOf,
  UnsupportedOperationError,
} from '@keywrap/core';
import { cannotDecrypt, grpcCodeOf, toKeyWrapError } from './errors.js';
import { describe, type Version, versionsOf } from './keys.js';
import { ResourceNames } from './names.js';
import type { ReadOptions } from './options.js';
import { CloudKms } from './service.js';

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

/** How many versions an RSA ciphertext is tried with: each takes a request. */
const MAXIMUM_TRIED = 64;

/** Of how many RSA keys the versions are remembered. */
const MAXIMUM_KEPT = 1000;

/**
 * Calls Google Cloud KMS through `@google-cloud/kms`. Symmetric keys are used by one request, which names no version. RSA
 * encrypts in this process, with the public key of the newest version.
 */
export function gcpDriver(options: ReadOptions): KeyWrapDriver {
  const kms = new CloudKms(options);
  const names = new ResourceNames(options, options.aliases);
  const known = new Map<string, readonly Version[]>();

  async function readVersions(resource: string, call: Call): Promise<readonly Version[]> {
    const versions = await kms.listVersions(resource, call);
    if (known.size >= MAXIMUM_KEPT) known.clear();
    known.set(resource, versions);
    return versions;
  }

  async function describeResource(resource: string, call: Call): Promise<KeyDescription> {
    const key = await kms.readKey(resource, call);
    const versions = key.primary
      ? versionsOf(resource, [key.primary])
      : await readVersions(resource, call);
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
    call: Call,
  ): Promise<unknown> {
    const code = grpcCodeOf(error);
    if (code !== 'INVALID_ARGUMENT' && code !== 'FAILED_PRECONDITION') return error;
    const reason = toKeyWrapError(error, purpose);
    if (reason?.code === 'UNAVAILABLE') return reason;
    try {
      assertKeyUsable(await describeResource(resource, call), algorithm, purpose);
      return reason;
    } catch (found) {
      const its = found instanceof KeyWrapError ? found : toKeyWrapError(found, 'describeKey');
      return its?.code === 'ACCESS_DENIED' ? reason : found;
    }
  }

  async function encryptRsa(
    resource: string,
    { algorithm, plaintext }: EncryptRequest,
    call: Call,
  ): Promise<EncryptOutput> {
    const keyId = names.arnOf(resource);
    const versions = await readVersions(resource, call);
    assertKeyUsable(describe(keyId, versions), algorithm);
    const version = enabled(versions, algorithm)[0] as Version;
    const maximum = maximumPlaintextLength(algorithm, version.keySpec as RsaKeySpec);
    if (plaintext.length > maximum) {
      throw new InvalidInputError('plaintext', `must have at most ${maximum} bytes under this key`);
    }
    const ciphertext = publicEncrypt(
      {
        key: await kms.readPublicKey(version, call),
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
    call: Call,
  ): Promise<DecryptOutput> {
    const keyId = names.arnOf(resource);
    const tried = new Set<string>();
    const open = async (versions: readonly Version[]): Promise<DecryptOutput | undefined> => {
      for (const version of enabled(versions, algorithm)) {
        const { name, id, keySpec } = version;
        if (tried.has(name) || keySpec !== rsaKeySpecOf(ciphertext.length)) continue;
        if (tried.size >= MAXIMUM_TRIED) break;
        tried.add(name);
        const plaintext = await decryptWith(version, ciphertext, call);
        if (plaintext !== undefined) return { plaintext, keyId, keyVersion: id };
      }
      return undefined;
    };
    const opened = await open(known.get(resource) ?? []);
    if (opened !== undefined) return opened;
    const versions = await readVersions(resource, call);
    assertKeyUsable(describe(keyId, versions), algorithm, 'decrypt');
    const found = await open(versions);
    if (found === undefined) throw cannotDecrypt();
    return found;
  }

  /** Returns undefined where this version does not open it, or can't be used any more. */
  async function decryptWith(
    version: Version,
    ciphertext: Uint8Array,
    call: Call,
  ): Promise<Uint8Array | undefined> {
    try {
      return await kms.asymmetricDecrypt(version, ciphertext, call);
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

    async encrypt(request, call) {
      const resource = names.resourceOf(request.key);
      if (isAsymmetricAlgorithm(request.algorithm)) return encryptRsa(resource, request, call);
      try {
        const sealed = await kms.encrypt(resource, request, call);
        return { ...sealed, keyId: names.arnOf(resource) };
      } catch (error) {
        throw await explain(error, resource, request, 'encrypt', call);
      }
    },

    async decrypt(request, call) {
      if (request.key === undefined) throw new InvalidInputError('keyId', 'is missing');
      const resource = names.resourceOf(request.key);
      if (isAsymmetricAlgorithm(request.algorithm)) return decryptRsa(resource, request, call);
      try {
        const plaintext = await kms.decrypt(resource, request, call);
        if (plaintext.length > 0) return { plaintext, keyId: names.arnOf(resource) };
      } catch (error) {
        throw await explain(error, resource, request, 'decrypt', call);
      }
      // Nobody can encrypt no bytes.
      throw cannotDecrypt();
    },

    async getPublicKey({ key }, call) {
      const resource = names.resourceOf(key);
      const versions = await readVersions(resource, call);
      const description = describe(names.arnOf(resource), versions);
      assertKeyEnabled(description, 'decrypt');
      const { keyId, keySpec, keyUsage, algorithms, keyVersion } = description;
      const version = versions.find(({ id }) => id === keyVersion);
      if (version === undefined || /^(SYMMETRIC|HMAC)/.test(keySpec)) {
        throw new UnsupportedOperationError('the key has no public key');
      }
      const publicKey = (await kms.readPublicKey(version, call)).export({
        type: 'spki',
        format: 'der',
      });
      return { keyId, keySpec, keyUsage, algorithms, keyVersion, publicKey };
    },

    describeKey: ({ key }, call) => describeResource(names.resourceOf(key), call),

    mapError: toKeyWrapError,
    close: () => kms.close(),
  };
}

function enabled(versions: readonly Version[], algorithm: string): Version[] {
  return versions.filter((each) => each.isEnabled && each.algorithm === algorithm);
}
