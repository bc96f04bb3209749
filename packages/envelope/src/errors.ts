import { InvalidCiphertextError, KeyWrapError, withCallDetails } from '@keywrap/core';

/** The one error for every message that is damaged, forged or bound to other pairs. It never says why. */
export function damagedMessage(): InvalidCiphertextError {
  return new InvalidCiphertextError(
    'the message can not be opened: it is damaged, or was not sealed with these keys and pairs',
  );
}

/**
 * Adds the operation to an error. Damage gets a new error, so that not even the stack tells where it was found; nor does
 * what a provider said about a data key.
 */
export function errorOf(operation: string, error: unknown): unknown {
  if (!(error instanceof KeyWrapError)) return error;
  const told = error.code === 'INVALID_CIPHERTEXT' ? damagedMessage() : error;
  return withCallDetails(told, operation);
}
