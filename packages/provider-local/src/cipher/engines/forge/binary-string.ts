import { newSecret, type OwnedBytes } from '@keywrap/core';

/** Far below the most arguments that any JavaScript engine accepts. */
const CHUNK_LENGTH = 8192;

/**
 * Converts bytes to node-forge's binary string: one UTF-16 code unit from 0 to 255 per byte.
 * Strings can't be wiped; they stay in memory until they are collected.
 */
export function toBinaryString(bytes: Uint8Array): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i += CHUNK_LENGTH) {
    binary += String.fromCharCode(...bytes.subarray(i, i + CHUNK_LENGTH));
  }
  return binary;
}

/** Converts node-forge's binary string to bytes, in new memory. */
export function fromBinaryString(binary: string): OwnedBytes {
  const bytes = newSecret(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
