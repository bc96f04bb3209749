import { InvalidInputError, type OaepHash } from '@keywrap/core';

/** hLen of RFC 8017: the length in bytes of each hash (FIPS 180-4). */
export const HASH_LENGTH = {
  'SHA-1': 20,
  'SHA-256': 32,
  'SHA-384': 48,
  'SHA-512': 64,
} as const satisfies Record<OaepHash, number>;

/**
 * RFC 8017 §7.1.1 step 1b.
 *
 * @param length The length of the message in bytes.
 * @param modulusLength The length of the modulus in bytes.
 * @throws InvalidInputError for `plaintext` if the message is longer than `k - 2 * hLen - 2`.
 */
export function assertFitsOaep(length: number, modulusLength: number, hash: OaepHash): void {
  const maximum = modulusLength - 2 * HASH_LENGTH[hash] - 2;
  if (length > maximum) {
    throw new InvalidInputError(
      'plaintext',
      `must have at most ${maximum} bytes for this key and ${hash}; it has ${length}`,
    );
  }
}
