import { constants, type KeyObject, publicEncrypt } from 'node:crypto';
import {
  type AsymmetricAlgorithm,
  assertKeyEnabled,
  type DecryptRequest,
  InvalidInputError,
  isAsymmetricAlgorithm,
  type KeyName,
  type KeyWrapDriver,
  maximumPlaintextLength,
  ProviderUnavailableError,
  type RsaKeySpec,
  rsaKeySpecOf,
  serializeEncryptionContext,
  wipe,
} from '@keywrap/core';
import type { Handle, Mechanism } from 'pkcs11js';
import { cannotDecrypt, isAmbiguous, isDamaged, toKeyWrapError } from './errors.js';
import { TokenKeys } from './keys.js';
import { type Library, loadLibrary } from './library.js';
import { algorithmsOf, gcm, NONCE_BYTES, oaep, TAG_BYTES } from './mechanisms.js';
import type { ReadOptions } from './options.js';
import { findToken, Sessions } from './sessions.js';

const HASHES: Readonly<Record<AsymmetricAlgorithm, string>> = {
  RSAES_OAEP_SHA_1: 'sha1',
  RSAES_OAEP_SHA_256: 'sha256',
  RSAES_OAEP_SHA_384: 'sha384',
  RSAES_OAEP_SHA_512: 'sha512',
};

/**
 * Opens a token. Keys stay in it; only the public half of RSA, which needs no secret, is used outside.
 *
 * @throws {@link InvalidInputError} when the library or the token is not there.
 */
export async function openDriver(options: ReadOptions): Promise<KeyWrapDriver> {
  const library = await loadLibrary(options.module, options.pkcs11js);
  try {
    const token = findToken(library, options.token);
    const sessions = new Sessions(library, token, options);
    const algorithms = await sessions.use((session) => algorithmsOf(library, token, session));
    const keys = new TokenKeys(library, token, options.aliases, algorithms);
    return driverOf(library, sessions, keys, algorithms);
  } catch (error) {
    library.release();
    throw toKeyWrapError(error) ?? error;
  }
}

function driverOf(
  library: Library,
  sessions: Sessions,
  keys: TokenKeys,
  algorithms: KeyWrapDriver['capabilities']['algorithms'],
): KeyWrapDriver {
  const { calls } = library;
  const hasSymmetric = algorithms.includes('SYMMETRIC_DEFAULT');

  async function decryptIn(
    session: Handle,
    key: Handle,
    mechanism: Mechanism,
    ciphertext: Uint8Array,
  ) {
    calls.C_DecryptInit(session, mechanism, key);
    // SoftHSM wants room for the tag too.
    const room = Buffer.alloc(ciphertext.length + TAG_BYTES);
    try {
      const plaintext = await calls.C_DecryptAsync(session, Buffer.from(ciphertext), room);
      return Uint8Array.from(plaintext);
    } finally {
      wipe(room);
    }
  }

  async function encryptGcm(session: Handle, key: Handle, plaintext: Uint8Array, aad: Uint8Array) {
    const nonce = calls.C_GenerateRandom(session, Buffer.alloc(NONCE_BYTES));
    calls.C_EncryptInit(session, gcm(library, nonce, aad), key);
    const input = Buffer.from(plaintext);
    try {
      const room = Buffer.alloc(plaintext.length + TAG_BYTES);
      return Buffer.concat([nonce, await calls.C_EncryptAsync(session, input, room)]);
    } finally {
      wipe(input);
    }
  }

  /** Decrypts a fresh ciphertext of the key: when that fails too, the token is broken. */
  async function works(name: KeyName, { algorithm }: DecryptRequest) {
    const probe = Buffer.alloc(16, 1);
    const decryptsProbe = sessions.use(async (session) => {
      // Handles of private keys end with the last session.
      const key = keys.find(session, name);
      if (isAsymmetricAlgorithm(algorithm)) {
        const made = encryptOaep(keys.publicKeyOf(session, key), algorithm, probe);
        return decryptIn(session, key.handle, oaep(library, algorithm), made);
      }
      if (!key.canEncrypt) return undefined;
      const made = await encryptGcm(session, key.handle, probe, new Uint8Array());
      const mechanism = gcm(library, made.subarray(0, NONCE_BYTES), new Uint8Array());
      return decryptIn(session, key.handle, mechanism, made.subarray(NONCE_BYTES));
    });
    return decryptsProbe.then(
      () => true,
      () => false,
    );
  }

  return {
    id: 'pkcs11',
    capabilities: Object.freeze({
      algorithms: Object.freeze(algorithms),
      encryptionContext: hasSymmetric,
      keyIdFromCiphertext: false,
      dataKeys: algorithms.length > 0,
      ...(!hasSymmetric && {
        dataKeyAlgorithm: algorithms.find((each) => each === 'RSAES_OAEP_SHA_256') ?? algorithms[0],
      }),
      dataKeyPairSpecs: Object.freeze([]),
    }),

    async encrypt({ key: name, algorithm, encryptionContext, plaintext }, { signal }) {
      return sessions.use(async (session) => {
        const key = keys.find(session, name);
        keys.assertUsable(session, key, algorithm, 'encrypt');
        if (!isAsymmetricAlgorithm(algorithm)) {
          const aad = serializeEncryptionContext(encryptionContext);
          return {
            ciphertext: await encryptGcm(session, key.handle, plaintext, aad),
            keyId: key.keyId,
          };
        }
        const publicKey = keys.publicKeyOf(session, key);
        return { ciphertext: encryptOaep(publicKey, algorithm, plaintext), keyId: key.keyId };
      }, signal);
    },

    async decrypt(request, { signal }) {
      const { key: name, algorithm, encryptionContext, ciphertext } = request;
      if (name === undefined) throw new InvalidInputError('keyId', 'is missing');
      let isSent = false;
      try {
        return await sessions.use(async (session) => {
          isSent = false;
          const key = keys.find(session, name);
          keys.assertUsable(session, key, algorithm, 'decrypt');
          let mechanism: Mechanism;
          let sealed = ciphertext;
          if (isAsymmetricAlgorithm(algorithm)) {
            const details = keys.publicKeyOf(session, key).asymmetricKeyDetails;
            if (sealed.length * 8 !== details?.modulusLength) throw cannotDecrypt();
            mechanism = oaep(library, algorithm);
          } else {
            if (sealed.length <= NONCE_BYTES + TAG_BYTES) throw cannotDecrypt();
            const nonce = Buffer.from(sealed.subarray(0, NONCE_BYTES));
            mechanism = gcm(library, nonce, serializeEncryptionContext(encryptionContext));
            sealed = sealed.subarray(NONCE_BYTES);
          }
          isSent = true;
          const plaintext = await decryptIn(session, key.handle, mechanism, sealed);
          return { plaintext, keyId: key.keyId };
        }, signal);
      } catch (error) {
        if (!isSent) throw error;
        if (isDamaged(error)) throw cannotDecrypt();
        if (!isAmbiguous(error)) throw error;
        if (await works(name, request)) throw cannotDecrypt();
        throw new ProviderUnavailableError(
          'the token does not decrypt what it encrypted just now',
          {
            cause: error,
          },
        );
      }
    },

    async getPublicKey({ key: name }, { signal }) {
      return sessions.use((session) => {
        const key = keys.find(session, name);
        const details = keys.describe(session, key);
        assertKeyEnabled(details, 'decrypt');
        const { keyId, keySpec, keyUsage, algorithms } = details;
        const publicKey = keys.publicKeyOf(session, key).export({ type: 'spki', format: 'der' });
        return { keyId, keySpec, keyUsage, algorithms, publicKey };
      }, signal);
    },

    async describeKey({ key: name }, { signal }) {
      return sessions.use((session) => keys.describe(session, keys.find(session, name)), signal);
    },

    mapError: toKeyWrapError,

    close() {
      sessions.closeIdle();
      library.release();
    },
  };
}

/** @throws {@link InvalidInputError} when the plaintext is too long for the key. */
function encryptOaep(
  publicKey: KeyObject,
  algorithm: AsymmetricAlgorithm,
  plaintext: Uint8Array,
): Buffer {
  const length = (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const spec = rsaKeySpecOf(length) as RsaKeySpec;
  const maximum = maximumPlaintextLength(algorithm, spec);
  if (plaintext.length > maximum) {
    throw new InvalidInputError('plaintext', `must have at most ${maximum} bytes under this key`);
  }
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return publicEncrypt({ key: publicKey, padding, oaepHash: HASHES[algorithm] }, plaintext);
}
