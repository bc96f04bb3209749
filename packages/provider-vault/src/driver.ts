import {
  type Call,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptionContext,
  IN_PROCESS,
  InternalError,
  InvalidKeyUsageError,
  isAsymmetricAlgorithm,
  KeyNames,
  type KeyWrapDriver,
  type ProviderCapabilities,
  serializeEncryptionContext,
  wipe,
} from '@keywrap/core';
import {
  type Ciphertext,
  formatCiphertext,
  isOfAead,
  isOfRsaLength,
  parseCiphertext,
  readCiphertext,
} from './ciphertext.js';
import { toKeyWrapError, WRONG_KIND } from './errors.js';
import {
  type BatchResult,
  record,
  VaultError,
  VaultHttp,
  type VaultRequest,
  type VaultResponse,
} from './http.js';
import { algorithmsOf, toKeyDescription, toPublicKeyResult } from './key-details.js';
import { isKeyName, type ReadOptions } from './options.js';
import { Session } from './session.js';

const CAPABILITIES: ProviderCapabilities = Object.freeze({
  // Transit uses SHA-256 whatever is asked for.
  algorithms: Object.freeze(['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_256'] as const),
  encryptionContext: true,
  keyIdFromCiphertext: false,
  dataKeys: true,
  dataKeyPairSpecs: Object.freeze([]),
});

/** The lengths in bytes of the data keys that transit makes. */
const DATA_KEY_LENGTHS: readonly number[] = [16, 32, 64];

/** `encrypt` creates a key that does not exist, of this type: the server refuses it, and ignores it for others. */
const NO_NEW_KEY = { type: 'none' };

/** Never decrypts. Sent instead of a malformed ciphertext, so that the key is checked all the same. */
const NO_CIPHERTEXT = formatCiphertext(1, new Uint8Array(29));

/** How many versions of an RSA key are tried in one request. */
const VERSIONS = 16;

/** How many are tried in all: each costs the server an operation, and a server may not say which was the last. */
const MAXIMUM_VERSIONS = 1024;

/**
 * Calls the [transit engine](https://openbao.org/api-docs/secret/transit/). A call needs the right to its own path
 * only, such as `transit/decrypt/orders`.
 *
 * A key that was not created as derived ignores transit's `context`, and would decrypt under any. The encryption
 * context is therefore always the associated data of the AEAD; a derived key gets it as its `context` as well.
 */
export function vaultDriver(options: ReadOptions, now: () => number = Date.now): KeyWrapDriver {
  const session = new Session(new VaultHttp(options), options, now);
  const { namespace, mount, aliases } = options;
  const scope = { partition: 'vault', region: namespace || 'root', account: mount };
  const names = new KeyNames({ scope, aliases, isName: isKeyName });

  const send = (method: VaultRequest['method'], path: string, call: Call, body?: object) =>
    session.send({ method, path: `${options.mount}/${path}`, body, signal: call.signal });
  const post = (path: string, body: object, call: Call) => send('POST', path, call, body);
  const readKey = async (name: string, call: Call) => {
    const { data } = await send('GET', `keys/${name}`, call);
    if (data.name === undefined || data.name === name) return data;
    throw new InternalError('the server described another key');
  };

  /** "It does not decrypt" is also what a key of another kind says. The token may not be allowed to read the key. */
  async function explain(error: unknown, name: string, algorithm: EncryptionAlgorithm, call: Call) {
    if (toKeyWrapError(error)?.code !== 'INVALID_CIPHERTEXT') return error;
    const type = await readKey(name, call).then(
      (data) => String(data.type),
      () => undefined,
    );
    if (type === undefined || algorithmsOf(type).includes(algorithm)) return error;
    return new InvalidKeyUsageError(WRONG_KIND, { cause: error });
  }

  async function decryptSymmetric(name: string, request: DecryptRequest, call: Call) {
    const ciphertext = readCiphertext(request.ciphertext);
    const body = {
      ciphertext: ciphertext?.text ?? NO_CIPHERTEXT,
      ...binding(request.encryptionContext),
    };
    const { data } = await post(`decrypt/${name}`, body, call);
    const plaintext = bytesIn(data, 'plaintext');
    if (ciphertext !== undefined && isOfAead(ciphertext, plaintext.length)) {
      return { plaintext, version: ciphertext.version };
    }
    wipe(plaintext);
    throw new InvalidKeyUsageError(WRONG_KIND);
  }

  /** What was encrypted outside does not name its version: tries all, several in a request. */
  async function decryptRsa(name: string, request: DecryptRequest, call: Call) {
    const own = readCiphertext(request.ciphertext);
    const payload = own?.payload ?? request.ciphertext;
    for (let first = 1; first <= MAXIMUM_VERSIONS; first += VERSIONS) {
      const candidates = !isOfRsaLength(payload)
        ? [NO_CIPHERTEXT]
        : own !== undefined
          ? [own.text]
          : Array.from({ length: VERSIONS }, (_, i) => formatCiphertext(first + i, payload));
      const batch_input = candidates.map((ciphertext) => ({ ciphertext }));
      const results = await batchOf(post(`decrypt/${name}`, { batch_input }, call));
      if (results.length !== candidates.length) {
        throw new InternalError('the server did not return a result for each ciphertext');
      }
      for (const [i, result] of results.entries()) {
        if (result.error) {
          const error = new VaultError(400, [result.error]);
          if (/version is too new/.test(result.error)) throw error;
          if (toKeyWrapError(error)?.code !== 'INVALID_CIPHERTEXT') throw error;
        } else {
          const version = parseCiphertext(candidates[i])?.version;
          return { plaintext: bytesIn(result, 'plaintext'), version };
        }
      }
      if (candidates.length < VERSIONS) break;
    }
    throw new VaultError(400, ['invalid ciphertext']);
  }

  const driver: KeyWrapDriver = {
    id: 'vault',
    capabilities: CAPABILITIES,

    async encrypt({ key, algorithm, encryptionContext, plaintext }, call) {
      const name = names.nameOf(key);
      const body = { ...NO_NEW_KEY, ...binding(encryptionContext), plaintext: base64(plaintext) };
      const { data } = await post(`encrypt/${name}`, body, call);
      const sealed = sealedIn(data);
      const isRsa = isAsymmetricAlgorithm(algorithm);
      if (isOfAead(sealed, plaintext.length) === isRsa) throw new InvalidKeyUsageError(WRONG_KIND);
      return {
        ciphertext: Buffer.from(sealed.text),
        keyId: names.arnOf(name),
        keyVersion: sealed.version,
      };
    },

    async decrypt(request, call) {
      if (request.key === undefined)
        throw new InternalError('the ciphertext does not name its key');
      const name = names.nameOf(request.key);
      const decrypt = isAsymmetricAlgorithm(request.algorithm) ? decryptRsa : decryptSymmetric;
      try {
        const { plaintext, version } = await decrypt(name, request, call);
        return { plaintext, keyId: names.arnOf(name), keyVersion: version };
      } catch (error) {
        throw await explain(error, name, request.algorithm, call);
      }
    },

    /** `rewrap` does not take associated data: only what is bound to no context stays inside. */
    async reEncrypt({ ciphertext, source, destination }, call) {
      const sealed = readCiphertext(ciphertext);
      const isInside =
        sealed !== undefined &&
        !isOfRsaLength(sealed.payload) &&
        [source, destination].every(isSymmetricWithoutContext) &&
        source.key !== undefined &&
        names.nameOf(source.key) === names.nameOf(destination.key);
      if (!isInside) return IN_PROCESS;
      const name = names.nameOf(destination.key);
      const body = { ciphertext: sealed.text, ...binding(destination.encryptionContext) };
      const { data } = await post(`rewrap/${name}`, body, call).catch(async (error) => {
        throw await explain(error, name, 'SYMMETRIC_DEFAULT', call);
      });
      const moved = sealedIn(data);
      if (moved.payload.length !== sealed.payload.length) {
        throw new InternalError('the server returned a ciphertext of another length');
      }
      return {
        ciphertext: Buffer.from(moved.text),
        sourceKeyId: names.arnOf(name),
        sourceKeyVersion: sealed.version,
        destinationKeyId: names.arnOf(name),
        destinationKeyVersion: moved.version,
      };
    },

    async generateDataKey({ key, encryptionContext, numberOfBytes }, call) {
      if (!DATA_KEY_LENGTHS.includes(numberOfBytes)) return IN_PROCESS;
      const name = names.nameOf(key);
      const body = { bits: numberOfBytes * 8, ...binding(encryptionContext) };
      const { data } = await post(`datakey/plaintext/${name}`, body, call);
      const sealed = sealedIn(data);
      const plaintext = bytesIn(data, 'plaintext');
      if (!isOfAead(sealed, plaintext.length)) {
        wipe(plaintext);
        throw new InvalidKeyUsageError(WRONG_KIND);
      }
      return {
        plaintext,
        ciphertext: Buffer.from(sealed.text),
        keyId: names.arnOf(name),
        keyVersion: sealed.version,
      };
    },

    async getPublicKey({ key }, call) {
      const name = names.nameOf(key);
      return toPublicKeyResult(names.arnOf(name), await readKey(name, call));
    },

    async describeKey({ key }, call) {
      const name = names.nameOf(key);
      return toKeyDescription(names.arnOf(name), await readKey(name, call));
    },

    mapError: toKeyWrapError,
  };
  return driver;
}

function isSymmetricWithoutContext({
  algorithm,
  encryptionContext,
}: {
  readonly algorithm: EncryptionAlgorithm;
  readonly encryptionContext: EncryptionContext;
}): boolean {
  return !isAsymmetricAlgorithm(algorithm) && Object.keys(encryptionContext).length === 0;
}

/** A derived key needs a `context`: that of no pairs is their number, 0, in two bytes. Other keys ignore it. */
function binding(context: EncryptionContext): { context: string; associated_data?: string } {
  const bytes = serializeEncryptionContext(context);
  if (bytes.length === 0) return { context: base64(new Uint8Array(2)) };
  return { context: base64(bytes), associated_data: base64(bytes) };
}

async function batchOf(response: Promise<VaultResponse>) {
  try {
    const { batch_results } = (await response).data;
    return Array.isArray(batch_results)
      ? batch_results.map((each): BatchResult => record(each))
      : [];
  } catch (error) {
    if (error instanceof VaultError && error.batch !== undefined) return error.batch;
    throw error;
  }
}

function sealedIn(data: VaultResponse['data']): Ciphertext {
  const sealed = parseCiphertext(data.ciphertext);
  if (sealed === undefined) throw new InternalError('the server returned no ciphertext');
  return sealed;
}

/** RFC 4648 §4. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function bytesIn(data: object, field: 'plaintext'): Uint8Array {
  const { [field]: value } = data as Readonly<Record<string, unknown>>;
  // Node.js decodes what it can of anything else, and zeros would be left for the rest.
  if (typeof value !== 'string' || value.length % 4 !== 0 || !BASE64.test(value)) {
    throw new InternalError(`the server returned no ${field}`);
  }
  // Not from Node's pool, which this driver does not own.
  const bytes = new Uint8Array(Buffer.byteLength(value, 'base64'));
  Buffer.from(bytes.buffer).write(value, 'base64');
  return bytes;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
