import { InvalidKeyUsageError, KeyDisabledError, KeyStateError } from '../provider/errors.js';
import { type EncryptionAlgorithm, encryptionAlgorithmsOf } from '../provider/key-spec.js';
import { ownField } from '../provider/own-fields.js';
import type { KeyDescription } from '../provider/provider.js';

/** The details of a key that decide whether it may be used. */
export type KeyUse = Pick<KeyDescription, 'keySpec' | 'keyUsage' | 'keyState'> & {
  /** Named in the error. */
  readonly keyId?: string | undefined;
  /** The encryption algorithms of this key; by default all of its kind. */
  readonly algorithms?: readonly EncryptionAlgorithm[] | undefined;
};

/** What a key is about to do: a key in the state `DecryptOnly` only decrypts. */
export type KeyPurpose = 'encrypt' | 'decrypt';

/**
 * Rejects a key whose state forbids its use
 * ([key states](https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html)).
 *
 * @throws {@link KeyDisabledError} when it is disabled.
 * @throws {@link KeyStateError} when it is pending deletion or pending import, or may not encrypt.
 */
export function assertKeyEnabled(
  { keyId, keyState }: KeyUse,
  purpose: KeyPurpose = 'encrypt',
): void {
  if (keyState === 'Enabled' || (keyState === 'DecryptOnly' && purpose === 'decrypt')) return;
  if (keyState === 'Disabled') {
    throw new KeyDisabledError('the key is disabled: enable it, or use another', { keyId });
  }
  throw new KeyStateError(`the key can't be used while its state is ${keyState}`, { keyId });
}

/**
 * Rejects a key that can't be used now, or not with this algorithm, by the rules of AWS KMS; for providers
 * that manage their keys themselves.
 *
 * @param purpose Pass `decrypt` to allow a key that only decrypts.
 * @throws {@link KeyDisabledError} when it is disabled.
 * @throws {@link KeyStateError} when it is pending deletion or pending import, or may not encrypt.
 * @throws {@link InvalidKeyUsageError} when its usage is not encryption, or it does not support the algorithm.
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
export function assertKeyUsable(
  key: KeyUse,
  algorithm: EncryptionAlgorithm,
  purpose: KeyPurpose = 'encrypt',
): void {
  assertKeyEnabled(key, purpose);
  const own = ownField(key, 'algorithms');
  const all = encryptionAlgorithmsOf(key.keySpec, key.keyUsage);
  const algorithms = own === undefined ? all : all.filter((each) => own.includes(each));
  if (algorithms.includes(algorithm)) return;
  const use =
    algorithms.length === 0 ? 'does not encrypt' : `encrypts with ${algorithms.join(', ')}`;
  const isDefault = algorithm === 'SYMMETRIC_DEFAULT' && algorithms.length > 0;
  const advice = isDefault ? ', also where none is named: name one (decryptAsymmetric does)' : '';
  throw new InvalidKeyUsageError(
    `the key is ${key.keySpec} for ${key.keyUsage}: it ${use}; the requested algorithm is ${algorithm}${advice}`,
    { keyId: key.keyId },
  );
}
