import { newSecret } from '@keywrap/core';

/** Far below the number of arguments that any JavaScript engine takes. */
const CHUNK_LENGTH = 8192;

/**
 * The binary string in which node-forge takes bytes: one UTF-16 code unit from 0 to 255 for each.
 * Strings can't be wiped; they stay in memory until they are collected.
 */
export function toBinaryString(bytes: Uint8Array): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i += CHUNK_LENGTH) {
    binary += String.fromCharCode(...bytes.subarray(i, i + CHUNK_LENGTH));
  }
  return binary;
}

/** The bytes of node-forge's binary string, in memory of their own. */
export function fromBinaryString(binary: string): Uint8Array {
  const bytes = newSecret(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
