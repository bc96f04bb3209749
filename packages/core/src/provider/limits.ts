import {
  type EncryptionAlgorithm,
  isAsymmetricAlgorithm,
  LIMITS,
  maximumPlaintextLength,
} from './key-spec.js';
import { ownField } from './own-fields.js';
import type { ProviderCapabilities, ProviderLimits } from './provider.js';

/**
 * Returns a limit of a provider in bytes: what it declares, and at most that of `LIMITS`.
 *
 * @example
 * ```ts
 * import { type KeyWrapProvider, limitOf } from '@keywrap/core';
 *
 * const fits = ({ capabilities }: KeyWrapProvider, plaintext: Uint8Array): boolean =>
 *   plaintext.length <= limitOf(capabilities, 'plaintext');
 * ```
 */
export function limitOf(
  capabilities: Pick<ProviderCapabilities, 'limits'>,
  name: keyof ProviderLimits,
): number {
  const limits = ownField(capabilities, 'limits');
  const declared = limits === undefined ? undefined : ownField(limits, name);
  return declared !== undefined && declared < LIMITS[name] ? declared : LIMITS[name];
}

/** Returns the length in bytes of the longest plaintext that some key of a provider encrypts with an algorithm. */
export function longestPlaintext(
  algorithm: EncryptionAlgorithm,
  capabilities: Pick<ProviderCapabilities, 'limits'>,
): number {
  return isAsymmetricAlgorithm(algorithm)
    ? maximumPlaintextLength(algorithm)
    : limitOf(capabilities, 'plaintext');
}
