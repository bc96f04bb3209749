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
 *
 * @param path The JSON Pointer of the field of a record, with which the error then starts.
 */
export function errorOf(operation: string, error: unknown, path?: string): unknown {
  if (!(error instanceof KeyWrapError)) return error;
  const told = error.code === 'INVALID_CIPHERTEXT' ? damagedMessage() : error;
  if (path !== undefined) startWithPath(told, path);
  return withCallDetails(told, operation);
}

/** The texts of errors before they got a path: a provider may throw one error again. */
const TEXTS = new WeakMap<KeyWrapError, string>();

function startWithPath(error: KeyWrapError, path: string): void {
  const { message, stack } = error;
  const text = TEXTS.get(error) ?? message;
  TEXTS.set(error, text);
  error.message = `'${path}': ${text}`;
  // V8 writes the message into the stack when it makes the error, and loggers print the stack.
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message);
}
