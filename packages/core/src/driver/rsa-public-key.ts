/** What Node.js tells of an RSA key: `KeyObject.asymmetricKeyDetails`. */
interface RsaDetails {
  readonly modulusLength?: number | undefined;
  readonly publicExponent?: bigint | undefined;
}

/**
 * Tells whether a public key that a backend returned may be encrypted with: of this length, and with an exponent that is odd
 * and at least 3 ([RFC 8017 §3.1](https://www.rfc-editor.org/rfc/rfc8017#section-3.1)). The exponent 1 would not encrypt.
 *
 * @param bits The length of the modulus that the key should have.
 *
 * @example
 * ```ts
 * import { createPublicKey } from 'node:crypto';
 * import { InternalError, isRsaPublicKey } from '@keywrap/core';
 *
 * const parse = (pem: string) => {
 *   const key = createPublicKey(pem);
 *   if (isRsaPublicKey(key.asymmetricKeyDetails, 2048)) return key;
 *   throw new InternalError('the server returned another public key');
 * };
 * ```
 */
export function isRsaPublicKey(
  { modulusLength, publicExponent = 0n }: RsaDetails = {},
  bits: number,
): boolean {
  return modulusLength === bits && publicExponent >= 3n && publicExponent % 2n === 1n;
}
