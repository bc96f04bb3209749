import { InvalidKeyUsageError, KeyDisabledError, KeyStateError } from '../provider/errors.js';
import { type EncryptionAlgorithm, encryptionAlgorithmsOf } from '../provider/key-spec.js';
import type { KeyDescription } from '../provider/provider.js';

/** What decides whether a key may be used. */
export type KeyUse = Pick<KeyDescription, 'keySpec' | 'keyUsage' | 'keyState'> & {
  /** Named in the error. */
  readonly keyId?: string | undefined;
};

/**
 * Refuses a key in a state in which it can't be used
 * ([key states](https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html)).
 *
 * @throws {@link KeyDisabledError} when it is disabled.
 * @throws {@link KeyStateError} when it waits for its deletion or its key material.
 */
export function assertKeyEnabled({ keyId, keyState }: KeyUse): void {
  if (keyState === 'Enabled') return;
  if (keyState === 'Disabled') {
    throw new KeyDisabledError('the key is disabled: enable it, or use another', { keyId });
  }
  throw new KeyStateError(`the key can't be used while its state is ${keyState}`, { keyId });
}

/**
 * Refuses a key that can't be used now, or not with this algorithm: the rules of AWS KMS, for
 * providers that keep their keys themselves.
 *
 * @throws {@link KeyDisabledError} when it is disabled.
 * @throws {@link KeyStateError} when it waits for its deletion or its key material.
 * @throws {@link InvalidKeyUsageError} when it is not for encryption, or not with this algorithm.
 *
 * @example
 * ```ts
 * import { assertKeyUsable, type KeyDescription } from '@keywrap/core';
 *
 * function check(key: KeyDescription): void {
 *   assertKeyUsable(key, 'SYMMETRIC_DEFAULT');
 * }
 * ```
 */
export function assertKeyUsable(key: KeyUse, algorithm: EncryptionAlgorithm): void {
  assertKeyEnabled(key);
  const algorithms = encryptionAlgorithmsOf(key.keySpec, key.keyUsage);
  if (algorithms.includes(algorithm)) return;
  const use =
    algorithms.length === 0 ? 'does not encrypt' : `encrypts with ${algorithms.join(', ')}`;
  throw new InvalidKeyUsageError(
    `the key is ${key.keySpec} for ${key.keyUsage}: it ${use}; it was asked for ${algorithm}`,
    { keyId: key.keyId },
  );
}
