import { isUint8Array, type OwnedBytes, wipe } from '../provider/bytes.js';
import { InvalidInputError, KeyWrapError, withCallDetails } from '../provider/errors.js';
import {
  type AsymmetricAlgorithm,
  isAsymmetricAlgorithm,
  maximumPlaintextLength,
  oaepHash,
  rsaKeySpecOf,
} from '../provider/key-spec.js';
import { readBytes } from '../provider/read-fields.js';

/**
 * Encrypts with a public key, for a party without a provider or an account. `provider.decryptAsymmetric` decrypts
 * the result. Uses the platform's Web Crypto, in browsers too.
 *
 * @param publicKey DER of SubjectPublicKeyInfo, as `provider.getPublicKey` returns it: RSA of 2048, 3072 or
 * 4096 bits. Make sure that it is authentic: this function can't check that.
 * @param plaintext 1 byte to `maximumPlaintextLength(algorithm, keySpec)`.
 * @param algorithm RSAES-OAEP (RFC 8017 §7.1) with an empty label.
 * @returns The ciphertext, as long as the modulus.
 * @throws {@link InvalidInputError}
 *
 * @example
 * ```ts
 * import { type KeyWrapProvider, sealWithPublicKey } from '@keywrap/core';
 *
 * async function roundTrip(keys: KeyWrapProvider, secret: Uint8Array) {
 *   const algorithm = 'RSAES_OAEP_SHA_256';
 *   const { keyId, publicKey } = await keys.getPublicKey({ keyId: 'alias/inbox' });
 *   const ciphertext = await sealWithPublicKey(publicKey, secret, algorithm);
 *   return keys.decryptAsymmetric({ keyId, ciphertext, algorithm });
 * }
 * ```
 */
export async function sealWithPublicKey(
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  algorithm: AsymmetricAlgorithm,
): Promise<OwnedBytes> {
  let copy: OwnedBytes | undefined;
  try {
    if (typeof algorithm !== 'string' || !isAsymmetricAlgorithm(algorithm)) {
      throw new InvalidInputError('algorithm', 'must be RSAES_OAEP_SHA_1, _256, _384 or _512');
    }
    if (!isUint8Array(publicKey)) throw new InvalidInputError('publicKey', 'must be a Uint8Array');
    copy = readBytes(plaintext, 'plaintext', maximumPlaintextLength(algorithm));
    const key = await importPublicKey(publicKey, algorithm);
    const maximum = maximumPlaintextLength(algorithm, specOf(key));
    if (copy.length > maximum) {
      throw new InvalidInputError(
        'plaintext',
        `must have at most ${maximum} bytes for this key and algorithm; it has ${copy.length}`,
      );
    }
    return new Uint8Array(
      await crypto.subtle.encrypt({ name: 'RSA-OAEP' }, key, copy).catch((cause: unknown) => {
        throw new InvalidInputError('publicKey', 'does not encrypt: its numbers are not RSA', {
          cause,
        });
      }),
    );
  } catch (error) {
    throw error instanceof KeyWrapError ? withCallDetails(error, 'sealWithPublicKey') : error;
  } finally {
    if (copy !== undefined) wipe(copy);
  }
}

type PublicKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

async function importPublicKey(
  spki: Uint8Array,
  algorithm: AsymmetricAlgorithm,
): Promise<PublicKey> {
  const hash = oaepHash(algorithm);
  try {
    return await crypto.subtle.importKey('spki', spki, { name: 'RSA-OAEP', hash }, false, [
      'encrypt',
    ]);
  } catch (cause) {
    throw new InvalidInputError(
      'publicKey',
      'must be the DER of an RSA SubjectPublicKeyInfo, as getPublicKey returns it (PEM: decode its base64)',
      { cause },
    );
  }
}

function specOf(key: PublicKey) {
  const { modulusLength, publicExponent } = key.algorithm as typeof key.algorithm & {
    modulusLength: number;
    publicExponent: Uint8Array;
  };
  // RFC 8017 §3.1: odd, and at least 3. The exponent 1 would not encrypt at all.
  const lowest = publicExponent.at(-1) ?? 0;
  if (
    lowest % 2 === 0 ||
    (lowest === 1 && publicExponent.slice(0, -1).every((byte) => byte === 0))
  ) {
    throw new InvalidInputError('publicKey', 'has a public exponent that does not encrypt');
  }
  const spec = rsaKeySpecOf(modulusLength / 8);
  if (spec === undefined) {
    throw new InvalidInputError(
      'publicKey',
      `is an RSA key of ${modulusLength} bits; 2048, 3072 and 4096 are supported`,
    );
  }
  return spec;
}
