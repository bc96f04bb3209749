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
  return withCallDetails(path === undefined ? told : atPath(told, path), operation);
}

/** Makes an error of the same class, whose message starts with the path. A provider may throw its own again, elsewhere. */
function atPath(error: KeyWrapError, path: string): KeyWrapError {
  const { message, stack } = error;
  const told = new Error(`'${path}': ${message}`, { cause: error });
  const { message: _, stack: __, cause: ___, ...fields } = Object.getOwnPropertyDescriptors(error);
  Object.defineProperties(Object.setPrototypeOf(told, Object.getPrototypeOf(error)), fields);
  // V8 writes the message into the stack when it makes the error, and loggers print the stack.
  if (stack !== undefined) told.stack = stack.replace(message, () => told.message);
  return told as KeyWrapError;
}
