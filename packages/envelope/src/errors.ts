import { InvalidCiphertextError } from '@keywrap/core';

/**
 * The one error for every message that is damaged, forged or bound to other pairs. It never says why, and its stack
 * does not tell where it was found.
 */
export function damagedMessage(): InvalidCiphertextError {
  return new InvalidCiphertextError(
    'the message can not be opened: it is damaged, or was not sealed with these keys',
  );
}
