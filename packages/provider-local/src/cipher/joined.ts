import { newSecret, type OwnedBytes } from '@keywrap/core';

/**
 * Joins bytes, which may be secret, in new memory. Not by `Uint8Array.of(...bytes)`: a call has fewer arguments than a
 * file may have bytes.
 */
export function joined(...parts: readonly Uint8Array[]): OwnedBytes {
  const whole = newSecret(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
