import { constants, publicEncrypt } from 'node:crypto';
import type { DecryptParameters, EncryptResult, KeyVaultKey } from '@azure/keyvault-keys';
import {
  type AsymmetricAlgorithm,
  assertKeyEnabled,
  assertKeyUsable,
  type Call,
  type DecryptRequest,
  type EncryptRequest,
  InternalError,
  InvalidInputError,
  isAsymmetricAlgorithm,
  type KeyDescription,
  KeyNames,
  type KeyWrapDriver,
  KeyWrapError,
  maximumPlaintextLength,
  oaepHash,
  type ProviderCapabilities,
  type RsaKeySpec,
  serializeEncryptionContext,
} from '@keywrap/core';
import { IV_LENGTH, readRsa, readVersion, TAG_LENGTH, withVersion } from './ciphertext.js';
import { LazyClients } from './clients.js';
import { cannotDecrypt, readRestError, toKeyWrapError } from './errors.js';
import { describe, publicKeyOf, versionOf } from './keys.js';
import { isKeyName, type ReadOptions } from './options.js';

/** The names of [Azure](https://learn.microsoft.com/azure/key-vault/keys/about-keys-details). */
const RSA_ALGORITHMS = {
  RSAES_OAEP_SHA_1: 'RSA-OAEP',
  RSAES_OAEP_SHA_256: 'RSA-OAEP-256',
} as const;

const RSA = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const;

/** How many versions an RSA ciphertext that names none is tried with: each is a request. */
const MAXIMUM_VERSIONS = 64;

/** A page has up to 25 versions; more pages are a fault of the vault. */
const MAXIMUM_PAGES = 1000;

/** A vault has RSA keys alone; a managed HSM has AES keys too. */
function capabilitiesOf({ managedHsm }: ReadOptions): ProviderCapabilities {
  return Object.freeze({
    algorithms: Object.freeze(managedHsm ? (['SYMMETRIC_DEFAULT', ...RSA] as const) : RSA),
    encryptionContext: managedHsm,
    keyIdFromCiphertext: false,
    dataKeys: true,
    ...(!managedHsm && { dataKeyAlgorithm: 'RSAES_OAEP_SHA_256' as const }),
    dataKeyPairSpecs: Object.freeze([]),
  });
}

/**
 * Calls Azure Key Vault or Managed HSM through `@azure/keyvault-keys`. RSA encrypts with the public key in this
 * process; everything else is done by the vault. AES is A256GCM, whose nonces the HSM makes; A256KW would make one
 * ciphertext of equal plaintexts, and binds no context.
 */
export function azureDriver(options: ReadOptions, now: () => number = Date.now): KeyWrapDriver {
  const clients = new LazyClients(options);
  const { vaultName, managedHsm, aliases } = options;
  const account = managedHsm ? 'managedhsm' : 'vault';
  const scope = { partition: 'azure', region: vaultName, account };
  const names = new KeyNames({ scope, aliases, isName: isKeyName });
  // A disabled key can't be read: what it is, is remembered from before.
  const described = new Map<string, KeyDescription>();

  async function readKey(name: string, { signal }: Call): Promise<KeyVaultKey> {
    const { keys } = await clients.get();
    return keys.getKey(name, signal && { abortSignal: signal });
  }

  async function describeByName(name: string, call: Call) {
    const key = await readKey(name, call);
    const description = describe(names.arnOf(name), key, new Date(now()));
    if (described.size >= 1000) described.clear();
    described.set(name, description);
    return { key, description };
  }

  async function decryptWith(
    name: string,
    version: string,
    parameters: DecryptParameters,
    { signal }: Call,
  ): Promise<Uint8Array> {
    const { cryptography } = await clients.get();
    const { result } = await cryptography(name, version).decrypt(
      parameters,
      signal && { abortSignal: signal },
    );
    return Uint8Array.from(result);
  }

  async function* versionsOf(name: string, { signal }: Call): AsyncGenerator<string> {
    const { keys } = await clients.get();
    const all = [];
    const listed = keys.listPropertiesOfKeyVersions(name, signal && { abortSignal: signal });
    let pages = 0;
    for await (const page of listed.byPage()) {
      pages += 1;
      if (pages > MAXIMUM_PAGES) throw new InternalError('the vault lists too many versions');
      all.push(...page);
    }
    const newestFirst = all
      .filter(({ enabled }) => enabled !== false)
      .sort((a, b) => Number(b.createdOn) - Number(a.createdOn))
      .slice(0, MAXIMUM_VERSIONS);
    for (const { version } of newestFirst) if (version !== undefined) yield version;
  }

  async function decryptRsa(name: string, request: DecryptRequest, call: Call) {
    const algorithm = RSA_ALGORITHMS[request.algorithm as keyof typeof RSA_ALGORITHMS];
    const sealed = readRsa(request.ciphertext);
    if (sealed === undefined) throw cannotDecrypt();
    const parameters: DecryptParameters = { algorithm, ciphertext: sealed.payload };
    if (sealed.version !== undefined) {
      const plaintext = await decryptWith(name, sealed.version, parameters, call);
      return { plaintext, version: sealed.version };
    }
    for await (const version of versionsOf(name, call)) {
      try {
        return { plaintext: await decryptWith(name, version, parameters, call), version };
      } catch (error) {
        if (readRestError(error).status !== 400) throw error;
      }
    }
    throw cannotDecrypt();
  }

  async function decryptGcm(name: string, request: DecryptRequest, call: Call) {
    const sealed = readVersion(request.ciphertext);
    const payload = sealed?.payload ?? new Uint8Array();
    if (sealed?.version === undefined || payload.length <= IV_LENGTH + TAG_LENGTH) {
      throw cannotDecrypt();
    }
    const parameters = {
      algorithm: 'A256GCM' as const,
      iv: payload.subarray(0, IV_LENGTH),
      ciphertext: payload.subarray(IV_LENGTH, -TAG_LENGTH),
      authenticationTag: payload.subarray(-TAG_LENGTH),
      additionalAuthenticatedData: serializeEncryptionContext(request.encryptionContext),
    };
    const plaintext = await decryptWith(name, sealed.version, parameters, call);
    if (plaintext.length !== parameters.ciphertext.length) throw wrongLength();
    return { plaintext, version: sealed.version };
  }

  /**
   * A version that does not exist is answered like a key that does not, and a key of another kind like a damaged
   * ciphertext. The credential may not be allowed to read the key.
   */
  async function explain(error: unknown, name: string, request: DecryptRequest, call: Call) {
    const known = error instanceof KeyWrapError ? error : toKeyWrapError(error, 'decrypt');
    if (known?.code !== 'INVALID_CIPHERTEXT' && known?.code !== 'KEY_NOT_FOUND') return error;
    try {
      const { description } = await describeByName(name, call);
      assertKeyUsable(description, request.algorithm, 'decrypt');
      return cannotDecrypt();
    } catch (reason) {
      const code = (reason instanceof KeyWrapError ? reason : toKeyWrapError(reason, 'getKey'))
        ?.code;
      return code === 'ACCESS_DENIED' ? known : reason;
    }
  }

  function encryptRsa(key: KeyVaultKey, request: EncryptRequest, spec: RsaKeySpec) {
    const { plaintext, algorithm } = request;
    const maximum = maximumPlaintextLength(algorithm, spec);
    if (plaintext.length > maximum) {
      throw new InvalidInputError('plaintext', `must have at most ${maximum} bytes under this key`);
    }
    const sealed = publicEncrypt(
      {
        key: publicKeyOf(key),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: oaepHash(algorithm as AsymmetricAlgorithm),
      },
      plaintext,
    );
    return withVersion(versionOf(key), sealed);
  }

  async function encryptGcm(key: KeyVaultKey, request: EncryptRequest, { signal }: Call) {
    const { cryptography } = await clients.get();
    const client = cryptography(key.name, versionOf(key));
    const sealed = await client.encrypt(
      {
        algorithm: 'A256GCM',
        plaintext: request.plaintext,
        additionalAuthenticatedData: serializeEncryptionContext(request.encryptionContext),
      },
      signal && { abortSignal: signal },
    );
    return joinGcm(versionOf(key), sealed, request.plaintext.length);
  }

  /** Encrypts with a credential that may not read the key: in the vault, whose answer names the version. */
  async function encryptUnread(name: string, request: EncryptRequest, { signal }: Call) {
    const { keys } = await clients.get();
    const { algorithm, plaintext, encryptionContext } = request;
    let kid = '';
    const answer = await keys.getCryptographyClient(name).encrypt(
      isAsymmetricAlgorithm(algorithm)
        ? { algorithm: RSA_ALGORITHMS[algorithm as keyof typeof RSA_ALGORITHMS], plaintext }
        : {
            algorithm: 'A256GCM',
            plaintext,
            additionalAuthenticatedData: serializeEncryptionContext(encryptionContext),
          },
      {
        ...(signal && { abortSignal: signal }),
        onResponse({ bodyAsText }) {
          kid = /"kid"\s*:\s*"([^"]*)"/.exec(bodyAsText ?? '')?.[1] ?? '';
        },
      },
    );
    const version = /\/([0-9a-f]{32})$/.exec(kid)?.[1];
    if (version === undefined)
      throw new InternalError('the vault did not name the version of its key');
    const sealed = isAsymmetricAlgorithm(algorithm)
      ? withVersion(version, answer.result)
      : joinGcm(version, answer, plaintext.length);
    if (isAsymmetricAlgorithm(algorithm) && readRsa(sealed) === undefined) throw wrongLength();
    return { ciphertext: sealed, keyId: names.arnOf(name), keyVersion: version };
  }

  return {
    id: 'azure',
    capabilities: capabilitiesOf(options),

    async encrypt(request, call) {
      const name = names.nameOf(request.key);
      const read = await describeByName(name, call).catch((error) => {
        if (toKeyWrapError(error, 'encrypt')?.code !== 'ACCESS_DENIED') throw error;
      });
      if (read === undefined) return encryptUnread(name, request, call);
      const { key, description } = read;
      assertKeyUsable(description, request.algorithm);
      const ciphertext = isAsymmetricAlgorithm(request.algorithm)
        ? encryptRsa(key, request, description.keySpec as RsaKeySpec)
        : await encryptGcm(key, request, call);
      return { ciphertext, keyId: description.keyId, keyVersion: versionOf(key) };
    },

    async decrypt(request, call) {
      if (request.key === undefined) throw new InvalidInputError('keyId', 'is missing');
      const name = names.nameOf(request.key);
      const decrypt = isAsymmetricAlgorithm(request.algorithm) ? decryptRsa : decryptGcm;
      try {
        const { plaintext, version } = await decrypt(name, request, call);
        return { plaintext, keyId: names.arnOf(name), keyVersion: version };
      } catch (error) {
        throw await explain(error, name, request, call);
      }
    },

    async getPublicKey(request, call) {
      const { key, description } = await describeByName(names.nameOf(request.key), call);
      assertKeyEnabled(description, 'decrypt');
      const { keyId, keySpec, keyUsage, algorithms, keyVersion } = description;
      const publicKey = publicKeyOf(key).export({ type: 'spki', format: 'der' });
      return { keyId, keySpec, keyUsage, algorithms, keyVersion, publicKey };
    },

    async describeKey(request, call) {
      const name = names.nameOf(request.key);
      try {
        return (await describeByName(name, call)).description;
      } catch (error) {
        const known = described.get(name);
        if (toKeyWrapError(error, 'describeKey')?.code !== 'KEY_DISABLED' || !known) throw error;
        return { ...known, keyState: 'Disabled' };
      }
    },

    mapError: toKeyWrapError,
  };
}

/** @param length Of the plaintext. */
function joinGcm(
  version: string,
  { result, iv, authenticationTag }: EncryptResult,
  length: number,
): Uint8Array {
  if (iv?.length !== IV_LENGTH || authenticationTag?.length !== TAG_LENGTH) {
    throw new InternalError('the vault returned no nonce of 12 bytes and tag of 16 bytes');
  }
  if (result.length !== length) throw wrongLength();
  return withVersion(version, iv, result, authenticationTag);
}

function wrongLength(): InternalError {
  return new InternalError('the vault returned bytes of another length than it was asked for');
}
